/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` found, and the forms in which it is written. A writer is told of everything in order and streams. */
#ifndef KT_PLUGIN_CHECK_H
#define KT_PLUGIN_CHECK_H

#include "admission/admission.h"
#include "plugin/command.h"
#include "plugin/manifest.h"
#include "plugin/output.h"

/* One Workspace that was judged. */
struct kt_checked {
    const struct kt_manifest_file *file;
    const struct kt_manifest_object *object;
    const struct kt_findings *findings;
    const struct kt_position *positions; /* one for each finding */
    const struct kt_defaulting *defaulting;
    bool allowed;
};

/* Something that could not be read or understood. */
struct kt_unusable {
    const char *name;                    /* of the file or folder */
    const struct kt_manifest_file *file; /* NULL: it could not be read at all */
    struct kt_position position;         /* line 0: unknown */
    const char *message;
};

struct kt_check_totals {
    size_t files;
    size_t workspaces;
    size_t errors;
    size_t warnings;
    size_t unusable;
};

struct kt_check_run {
    struct kt_app *app;
    bool show_defaults;
    size_t entries;  /* written so far, for commas between them */
    size_t failures; /* counted by a writer that could not do its work: the exit code is then not 0 */
    /* What was judged with, and what the writer was given. */
    const struct kt_settings *settings;
    const struct kt_cluster *cluster;
    const char *default_namespace;
    void *context;
};

struct kt_check_writer {
    void (*begin)(struct kt_check_run *run, struct kt_strbuf *text);
    void (*checked)(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_checked *checked);
    void (*unusable)(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_unusable *unusable);
    void (*end)(struct kt_check_run *run, struct kt_strbuf *text, const struct kt_check_totals *totals);
};

extern const struct kt_check_writer kt_check_text;   /* check_text.c */
extern const struct kt_check_writer kt_check_json;   /* check_json.c */
extern const struct kt_check_writer kt_check_sarif;  /* check_sarif.c */
extern const struct kt_check_writer kt_check_github; /* check_json.c */

struct kt_connection;

struct kt_check_setup {
    const struct kt_texts *files; /* as -f names them */
    const struct kt_check_writer *writer;
    struct kt_settings settings;
    const char *default_namespace; /* of objects that name none */
    struct kt_connection *live;    /* NULL: files only */
    bool complete;                 /* the files hold the whole cluster */
    bool show_defaults;
    void *context; /* of the writer; NULL: none */
    /* Told of each Workspace that is judged, for whoever looks at more than it; NULL: nobody. */
    void (*judged)(void *context, const struct kt_facts *facts);
    void *judged_context;
    const char *verb; /* what is done with the files: "check" */
};

/* Checks all and writes it to app->out. Returns an exit code, or a negative error code for what ends the whole run. */
int kt_check_run_all(struct kt_app *app, const struct kt_check_setup *setup, struct kt_error *error) KT_NODISCARD;

/* The rule tables for people: plain, markdown, or a tree. */
int kt_check_list_defaults(struct kt_app *app, enum kt_format format, struct kt_error *error) KT_NODISCARD;
int kt_check_list_rules(struct kt_app *app, enum kt_format format, struct kt_error *error) KT_NODISCARD;

#endif
