/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of an API server as our programs need, on the scripted server: objects by name, lists with selectors, watches
 * that tell of every change, logs, and writes by the API server's rules: resource versions, uids, generations,
 * finalizers, server-side apply. Any request can be told to go wrong. For tests that the real one would make slow or
 * random; the end-to-end tests ask the real one.
 */
#ifndef KT_TESTS_LIB_OBJECT_SERVER_H
#define KT_TESTS_LIB_OBJECT_SERVER_H

#include "base/clock.h"
#include "tests/lib/scripted_server.h"
#include "text/json.h"

struct kt_object_server;

struct kt_object_server *kt_object_server_start(void);
/* The same with TLS: only there the plugin uses credentials. */
struct kt_object_server *kt_object_server_start_tls(const struct kt_certificate_pair *certificate);
void kt_object_server_stop(struct kt_object_server *server);
const char *kt_object_server_url(const struct kt_object_server *server);

/* Puts copies of objects in, a YAML list of them in a file of the repository; all others are forgotten. */
void kt_object_server_load(struct kt_object_server *server, const char *path);
/* The first object of this kind (and name, when it is not NULL) with a JSON merge patch; patch NULL: taken away. */
void kt_object_server_change(struct kt_object_server *server, const char *kind, const char *name, const char *patch);
bool kt_object_server_has(struct kt_object_server *server, const char *kind, const char *name);

/* Every request about this plural is answered with the code (403, 404 as for an unknown type); NULL: none. */
void kt_object_server_refuse(struct kt_object_server *server, const char *plural, int code);
/* Requests are not answered, and watches cut, for so long as this is set. */
void kt_object_server_go_away(struct kt_object_server *server, bool away);
/* Requests from now on are taken and never answered; watches that are open say nothing more. */
void kt_object_server_fall_silent(struct kt_object_server *server);
/* What the log of a container says; each line has a time when it is asked with timestamps. cut_after: bytes after which
 * the connection breaks once; 0: never. */
void kt_object_server_log(struct kt_object_server *server, const char *container, const char *text, size_t cut_after);
/* How often a path with these words in it was asked for. */
size_t kt_object_server_asked(struct kt_object_server *server, const char *method, const char *words);

/* --- for what writes -----------------------------------------------------------------------------------------------
 */

/* Times of the objects are by this clock from now on. */
void kt_object_server_set_clock(struct kt_object_server *server, const struct kt_clock *clock);
/* Puts a copy in, with a new resourceVersion, and with a uid where it has none; replaces the one of its kind,
 * namespace and name. A uid names kind, namespace, name and how many had that name, so that what is made anew shows. */
void kt_object_server_put(struct kt_object_server *server, const cJSON *object);
/* Puts a copy in as it is, whatever is there already and whatever it lacks. */
void kt_object_server_put_as_is(struct kt_object_server *server, const cJSON *object);
/* The object that this merge patch of anybody's makes of it; the generation grows when more than metadata and status
 * changes. space NULL: any. Ends the test program when there is no such object. */
void kt_object_server_patch(struct kt_object_server *server, const char *kind, const char *space, const char *name,
                            const cJSON *patch);
/* It is gone, whatever its finalizers. */
void kt_object_server_remove(struct kt_object_server *server, const char *kind, const char *space, const char *name);
/* A copy, or NULL. */
cJSON *kt_object_server_get(struct kt_object_server *server, struct kt_arena *arena, const char *kind,
                            const char *space, const char *name);
/* Copies of all, sorted by kind, namespace and name. */
cJSON *kt_object_server_all(struct kt_object_server *server, struct kt_arena *arena);
/* All objects of another server, with what it knows of those before them. */
void kt_object_server_copy(struct kt_object_server *server, struct kt_object_server *from);
/* Grows with every change of an object of this kind; NULL: of any. */
int64_t kt_object_server_version(struct kt_object_server *server, const char *kind);
/* How many of this kind were ever put in or made. */
size_t kt_object_server_births(struct kt_object_server *server, const char *kind);

enum kt_object_fault_kind {
    KT_FAULT_NONE,
    KT_FAULT_STATUS,    /* answered with a code; nothing is done */
    KT_FAULT_CLOSE,     /* the connection is closed without a byte; nothing is done */
    KT_FAULT_CUT,       /* done, and the reply is cut in the middle */
    KT_FAULT_SILENT,    /* never answered; nothing is done */
    KT_FAULT_LATE,      /* done, and never answered */
    KT_FAULT_TEXT,      /* answered 200 with a text; nothing is done */
    KT_FAULT_DONE_TEXT, /* done, and answered 200 with a text */
    KT_FAULT_KINDS
};
/* What befalls the nth request (from 1) of this method and plural (NULL: any) from now on. Texts must live on. */
struct kt_object_fault {
    const char *method, *plural;
    bool of_write; /* requests that only read do not count */
    size_t nth;
    enum kt_object_fault_kind what;
    int code;           /* of STATUS */
    const char *reason; /* of STATUS; NULL: that of the code */
    const char *text;   /* of TEXT and DONE_TEXT; of STATUS: the whole body, NULL: a Status */
};
void kt_object_server_befall(struct kt_object_server *server, const struct kt_object_fault *fault);
/* After so many more writes the server is away. */
void kt_object_server_end_after(struct kt_object_server *server, size_t writes);
/* No fault is left, and it is not away. False: a fault has befallen nothing yet. */
bool kt_object_server_heal(struct kt_object_server *server);

struct kt_scripted_server *kt_object_server_http(struct kt_object_server *server);
/* What a request asks for, in the arena: "create jobs tune", "apply workspaces tune", "patch workspaces/status tune",
 * "delete jobs tune", "get jobs tune", "list pods". */
const char *kt_object_server_describe(struct kt_arena *arena, const struct kt_scripted_request *request);

#endif
