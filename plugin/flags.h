/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line flags, as a table: one row says how a flag is written, what it takes and what it is for. The same row
 * is read by the parser, by help and by completion.
 *
 * The grammar is that of kubectl (spf13/pflag): --name=value, --name value, -n value, -nvalue, -n=value, -Aw for
 * several switches; flags may stand between arguments; `--` ends them; of a flag given twice the last value counts,
 * unless it collects a list.
 */
#ifndef KT_PLUGIN_FLAGS_H
#define KT_PLUGIN_FLAGS_H

#include "base/arena.h"
#include "base/error.h"

enum kt_flag_kind {
    KT_FLAG_BOOL,        /* bool */
    KT_FLAG_SWITCH,      /* enum kt_switch: a bool that knows whether it was given; =true or =false is usual */
    KT_FLAG_TEXT,        /* const char *; NULL: not given */
    KT_FLAG_NUMBER,      /* struct kt_number */
    KT_FLAG_TEXTS,       /* struct kt_texts: each use adds one */
    KT_FLAG_COMMA_TEXTS, /* struct kt_texts: each use adds a comma-separated list */
};

enum kt_switch { KT_SWITCH_UNSET, KT_SWITCH_OFF, KT_SWITCH_ON };

struct kt_number {
    bool given;
    uint32_t value;
};

struct kt_texts {
    const char **items; /* NULL-terminated; NULL while count is 0 */
    size_t count;
};

/* What may be completed after a flag or as an argument. */
enum kt_completion {
    KT_COMPLETE_NOTHING,
    KT_COMPLETE_CHOICES, /* the flag's own list */
    KT_COMPLETE_FILES,
    KT_COMPLETE_MODELS,
    KT_COMPLETE_TUNABLE_MODELS,
    KT_COMPLETE_SKUS,
    KT_COMPLETE_CONTEXTS,
    KT_COMPLETE_CLUSTERS,
    KT_COMPLETE_USERS,
    KT_COMPLETE_COMMANDS,
    KT_COMPLETE_WORKSPACES, /* of the cluster; nothing when it does not answer at once */
};

struct kt_flag {
    const char *name;
    char letter; /* '\0': none */
    enum kt_flag_kind kind;
    size_t offset;          /* of the value in the struct that the table belongs to */
    const char *value_name; /* "FILE", for errors; NULL for switches */
    const char *shown;      /* default as help shows it: "''", "azure", "1" */
    const char *help;       /* NULL: not shown in help */
    /* NULL-terminated list of what is allowed, or NULL. Any letter case is taken, and stored as it stands here. */
    const char *const *choices;
    /* What a bare `--name` means, for a text flag that needs no value; such a flag takes a value only with '='. */
    const char *bare;
    uint32_t least, most; /* of a number; most 0: no bound */
    enum kt_completion completion;
    const char *alias_of; /* name of the flag that this is another spelling of (same offset and kind), or NULL */
};

struct kt_flag_table {
    const struct kt_flag *flags;
    size_t count;
    void *values; /* the struct that offsets are into */
};

struct kt_flag_parser {
    struct kt_arena *arena;
    const struct kt_flag_table *tables; /* searched in order */
    size_t table_count;
};

struct kt_flag_result {
    const char **arguments; /* what is not a flag; NULL-terminated */
    size_t argument_count;
};

/* Reads argv[first..argc). KT_EINVAL in pflag's words, with a suggestion for an unknown flag. Values point into argv
 * or the arena. */
int kt_flags_parse(const struct kt_flag_parser *parser, int argc, char *const *argv, int first,
                   struct kt_flag_result *ret, struct kt_error *error) KT_NODISCARD;

/* Row by name or by letter, or NULL. */
const struct kt_flag *kt_flags_find(const struct kt_flag_table *table, struct kt_str name);
const struct kt_flag *kt_flags_find_letter(const struct kt_flag_table *table, char letter);
/* Does the flag take the next argument as its value when it is written without '='? */
bool kt_flag_needs_value(const struct kt_flag *flag);
/* Adds copies of comma-separated parts without white space around them; empty parts are left out. */
bool kt_texts_add_list(struct kt_arena *arena, struct kt_texts *texts, struct kt_str list);
bool kt_texts_add(struct kt_arena *arena, struct kt_texts *texts, const char *text);

#endif
