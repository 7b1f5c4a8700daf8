/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of an API server as a reader needs, on the scripted server: objects by name, lists with selectors, watches
 * that tell of every change, logs, deletion with finalizers. For tests of the plugin that the real one would make slow
 * or random; the end-to-end tests ask the real one.
 */
#ifndef KT_TESTS_LIB_OBJECT_SERVER_H
#define KT_TESTS_LIB_OBJECT_SERVER_H

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

#endif
