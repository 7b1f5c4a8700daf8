/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command is one row: how it is called, what it is for, its flags and its handler. Dispatch, help and completion
 * read the same rows. To add one: a file cmd_<name>.c and a line in commands.c.
 */
#ifndef KT_PLUGIN_COMMAND_H
#define KT_PLUGIN_COMMAND_H

#include <stdio.h>

#include "admission/settings.h"
#include "base/arena.h"
#include "kube/config.h"
#include "plugin/flags.h"
#include "plugin/terminal.h"

/* Exit codes that all commands share; 2 and others are said by the command's own help. */
enum kt_exit {
    KT_EXIT_OK = 0,
    KT_EXIT_ERROR = 1,
    KT_EXIT_UNUSABLE = 2,  /* `check` only: input that cannot be read or understood */
    KT_EXIT_TIMEOUT = 124, /* the time of --timeout is up; the code of timeout(1) */
    KT_EXIT_INTERRUPTED = 130,
};

/* Values of the flags that every command has. */
struct kt_global_flags {
    const char *kubeconfig;
    const char *context;
    const char *cluster;
    const char *user;
    const char *server;
    const char *token;
    const char *username;
    const char *password;
    const char *as;
    struct kt_texts as_groups;
    const char *as_uid;
    const char *certificate_authority;
    const char *client_certificate;
    const char *client_key;
    const char *tls_server_name;
    const char *namespace_;
    const char *request_timeout;
    const char *cache_dir; /* taken as kubectl does; nothing is cached */
    bool insecure_skip_tls_verify;
    bool disable_compression;
    bool warnings_as_errors;
    bool help;
    struct kt_number verbosity;
};

/* One run of the program. */
struct kt_app {
    struct kt_arena *arena; /* of the whole run */
    const struct kt_environment *environment;
    FILE *out;
    FILE *err;
    struct kt_terminal out_terminal;
    struct kt_terminal err_terminal;
    struct kt_global_flags globals;
    const struct kt_command *command; /* the one that runs */
    const char *command_path;         /* "kubectl kaito models list" */
    const char *const *arguments;     /* NULL-terminated, without flags */
    size_t argument_count;
    int write_errno;          /* of the first write to out that failed; 0: none */
    bool usage_fault;         /* the fault is about the command line: point to --help */
    size_t warning_count;     /* written by kt_app_warn */
    struct kt_texts warnings; /* texts that are not written again */
};

enum kt_command_group { KT_GROUP_MAKE, KT_GROUP_FOLLOW, KT_GROUP_OFFLINE, KT_GROUP_OTHER, KT_GROUP_COUNT };

struct kt_command {
    const char *name;
    const char *const *aliases; /* NULL-terminated, or NULL */
    enum kt_command_group group;
    const char *summary;     /* one line of the list of commands */
    const char *description; /* paragraphs separated by empty lines; NULL: the summary */
    const char *usage;       /* what stands behind the command: "NAME [flags]" */
    const char *examples;    /* lines as they are shown, without indentation */
    const char *notes;       /* more paragraphs after the options, or NULL */
    const struct kt_flag *flags;
    size_t flag_count;
    size_t options_size; /* of the struct that the flags fill, zeroed before */
    size_t least_arguments;
    size_t most_arguments;
    enum kt_completion completion; /* of its arguments */
    bool hidden;
    int fault_exit_code; /* of faults; 0: KT_EXIT_ERROR */
    /* Returns an exit code, or a negative error code with *error. NULL: only subcommands. */
    int (*run)(struct kt_app *app, const void *options, struct kt_error *error);
    const struct kt_command *const *subcommands; /* NULL-terminated, or NULL */
};

extern const struct kt_command *const kt_commands[]; /* NULL-terminated */
extern const struct kt_flag kt_global_flag_rows[];
extern const size_t kt_global_flag_count;

/* By name or alias in a list, or NULL. */
const struct kt_command *kt_command_find(const struct kt_command *const *list, const char *name);
struct kt_resolved_command {
    const struct kt_command *command;     /* NULL: none was named */
    const char *path;                     /* "kubectl kaito models list" */
    const struct kt_command *const *list; /* where the next word would be looked up; NULL: there is no next */
    const char *unknown_word;             /* stands where a command should */
};
/* Finds the command that words[1..*argc) name and takes its words out. */
void kt_command_resolve(struct kt_app *app, int *argc, char **words, struct kt_resolved_command *ret);

/* Finds the command of argv, reads its flags and runs it. argv[0] is not looked at. Returns the exit code; faults are
 * written to app->err. */
int kt_app_run(struct kt_app *app, int argc, char *const *argv);

/* A fault of the command line: the caller returns it, and the user is pointed to the command's help. */
int kt_app_usage_fault(struct kt_app *app, struct kt_error *error, const char *format, ...) KT_PRINTF(3, 4);
/* Writes "Warning: text" to app->err, as kubectl does; equal texts once in a run. */
void kt_app_warn(struct kt_app *app, struct kt_str text);
/* A warning that will come again in this form, from the server, and need not be written then. */
void kt_app_expect_warning(struct kt_app *app, const char *text);
/* Writes "error: text", or the text alone where it is worded as kubectl words a server's answer. */
void kt_app_report(struct kt_app *app, const struct kt_error *error);

/* Flags of the commands that judge objects, and what they mean. The member must be called `judge`. */
struct kt_judge_flags {
    const char *cloud_provider;
    const char *release_namespace;
    const char *node_provisioner;
    const char *allowed_node_classes;
    const char *kaito_version;
    const char *trainer_image;
    struct kt_texts feature_gates;
};

#define KT_JUDGE_FLAG_COUNT 7
/* clang-format off */
/* Which image trains: also for commands that judge no object. */
#define KT_TRAINER_FLAGS(type)                                                                                         \
    {.name = "kaito-version", .kind = KT_FLAG_TEXT, .offset = offsetof(type, judge.kaito_version),                     \
     .value_name = "VERSION", .shown = "'ours'",                                                                       \
     .help = "Whose operator runs a tuning, for each trains with its own images: ours, or a release of upstream's, "   \
             "e.g. v0.12.0."},                                                                                         \
    {.name = "trainer-image", .kind = KT_FLAG_TEXT, .offset = offsetof(type, judge.trainer_image),                     \
     .value_name = "TAG", .shown = "''",                                                                               \
     .help = "Tag of kaito-base that trains on every GPU, as the server is told; empty: the operator's own choice."}
#define KT_JUDGE_FLAGS(type)                                                                                           \
    {.name = "cloud-provider", .kind = KT_FLAG_TEXT, .offset = offsetof(type, judge.cloud_provider),                   \
     .value_name = "NAME", .shown = "'azure'", .choices = kt_cloud_choices, .completion = KT_COMPLETE_CHOICES,         \
     .help = "Cloud whose machine types are meant, as the server is told: azure, aws or arc."},                        \
    {.name = "feature-gates", .kind = KT_FLAG_COMMA_TEXTS, .offset = offsetof(type, judge.feature_gates),              \
     .value_name = "NAME=true", .shown = "[]",                                                                         \
     .help = "Feature gates as the server has them, e.g. disableNodeAutoProvisioning=true."},                          \
    {.name = "node-provisioner", .kind = KT_FLAG_TEXT, .offset = offsetof(type, judge.node_provisioner),               \
     .value_name = "NAME", .shown = "''",                                                                              \
     .help = "Who makes nodes on the server: nodeclaim, machine, or byo for nodes of your own."},                      \
    {.name = "release-namespace", .kind = KT_FLAG_TEXT, .offset = offsetof(type, judge.release_namespace),             \
     .value_name = "NAME", .shown = "'kaito-workspace'",                                                               \
     .help = "Namespace that the server runs in, where the tuning templates are."},                                    \
    {.name = "allowed-node-classes", .kind = KT_FLAG_TEXT, .offset = offsetof(type, judge.allowed_node_classes),       \
     .value_name = "NAMES", .shown = "''",                                                                             \
     .help = "Node classes that a Workspace may name, comma-separated, as the server is told."},                       \
    KT_TRAINER_FLAGS(type)
/* clang-format on */
extern const char *const kt_cloud_choices[];

int kt_judge_settings(const struct kt_judge_flags *flags, struct kt_settings *ret, struct kt_error *error) KT_NODISCARD;
/* Of these, --kaito-version and --trainer-image alone, into settings that are there. */
int kt_judge_trainer(const struct kt_judge_flags *flags, struct kt_settings *settings,
                     struct kt_error *error) KT_NODISCARD;

#endif
