/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule is one row of a table: an id, what it is for, and a function that looks at the facts and adds findings. The
 * families live in rules_<family>.c; engine.c walks all tables. The same rows make the documentation (`kubectl kaito
 * check
 * --list-rules`) and a test refuses a row without an accepting and a refusing case.
 */
#ifndef KT_ADMISSION_RULE_H
#define KT_ADMISSION_RULE_H

#include "admission/cluster.h"
#include "admission/findings.h"
#include "admission/inference_facts.h"
#include "admission/settings.h"
#include "sizing/sizing.h"
#include "workspace/workspace.h"

enum kt_operation {
    KT_OPERATION_CREATE = 1,
    KT_OPERATION_UPDATE = 2,
    KT_OPERATION_DELETE = 4,
    KT_OPERATION_CONNECT = 8
};

enum kt_scope { KT_SCOPE_ANY = 0, KT_SCOPE_TUNING = 1, KT_SCOPE_INFERENCE = 2 };

/* The content of a tuning ConfigMap, looked up and parsed once before the rules run. */
enum kt_config_state {
    KT_CONFIG_NONE,        /* no tuning, or its method is unknown, or tuning.config is no name: X005 */
    KT_CONFIG_UNKNOWN,     /* the cluster could not be asked */
    KT_CONFIG_ABSENT,      /* no such ConfigMap */
    KT_CONFIG_NO_KEY,      /* data has no training_config.yaml */
    KT_CONFIG_UNPARSABLE,  /* see parse_error */
    KT_CONFIG_WRONG_SHAPE, /* no training_config map at the root */
    KT_CONFIG_READ,        /* sections can be used */
};

struct kt_tuning_config {
    enum kt_config_state state;
    bool is_template;         /* the method's template: the user named no config */
    bool is_shipped;          /* it says what a template of this version says: every key is known good */
    bool has_second_document; /* there is more behind its first YAML document */
    const char *name;         /* of the ConfigMap looked for */
    const char *namespace_;   /* where; NULL: the release namespace is unknown */
    const cJSON *config_map;  /* NULL unless found */
    const cJSON *root;        /* parsed training_config.yaml; NULL unless parsed */
    const cJSON *sections;    /* the training_config map as it is written; NULL unless READ */
    const cJSON *values;      /* the same with keys in full: what the trainer makes of it (config_values.h) */
    const struct kt_config_guesses *guesses; /* at its unknown keys, for the rules; NULL: there are none */
    struct kt_error parse_error;
};

/* What the rules of one review look at. Built by engine.c; read-only for rules except `findings` and the arena. */
struct kt_facts {
    struct kt_arena *arena;
    const struct kt_settings *settings;
    const struct kt_cluster *cluster;
    enum kt_operation operation;
    struct kt_workspace now;            /* the new object, after defaulting */
    struct kt_workspace before;         /* the old object, defaulted too; empty on CREATE */
    const struct kt_workspace *written; /* the new object as the user wrote it, before defaulting */
    const cJSON *before_written;        /* the old object as it is stored; NULL on CREATE */
    const char *namespace_;             /* that the Workspace is in; never NULL */
    bool bring_your_own;
    bool bypass_resource_checks; /* the annotation: a memory refusal becomes a warning */

    const struct kt_model *model; /* of whichever preset there is; NULL: absent or unknown */
    const struct kt_sku *sku;     /* of instanceType in the configured cloud; NULL: absent or unknown */
    bool method_known;
    enum kt_tuning_method method;
    bool runtime_transformers; /* inference runs with transformers (annotation, or gate vLLM off) */
    struct kt_tuning_config config;
    struct kt_trainer trainer;           /* of a tuning: the image that will train */
    bool float16;                        /* without a config of one's own, the float16 template is taken (D07) */
    enum kt_tuning_data data;            /* what the rows are, as the config or kaito.sh/dataset-format says */
    bool tuning_input_known;             /* tuning_input can be used */
    struct kt_tuning_input tuning_input; /* what will be trained, from the config and the model */
    bool sequence_length_assumed;        /* the config names none */
    bool batch_size_assumed;             /* the config names none: the library's 8 */
    struct kt_inference_facts inference; /* kt_inference_facts_read */
};

struct kt_rule_run {
    const struct kt_facts *facts;
    struct kt_findings *findings;
    const struct kt_rule *rule; /* the row that is running */
};

struct kt_rule {
    const char *id;            /* "T004": family letter and three digits, never reused */
    enum kt_severity severity; /* of its findings, before ratcheting and the bypass annotation */
    enum kt_origin origin;     /* what most of its findings are; a check may set another per finding */
    bool relaxed;              /* its warnings stand where upstream refuses */
    unsigned operations;       /* kt_operation bits on which it runs */
    enum kt_scope scope;
    const char *title;  /* what must be true: "tuning.method is lora or qlora, in any case" */
    const char *reason; /* for own and relaxed rows: the harm prevented, or why it is safe; NULL for upstream rows */
    void (*check)(struct kt_rule_run *run);
};

/* Adds a finding with the running row's id, severity, origin and relaxed mark. value as in kt_findings_add. */
struct kt_finding *kt_rule_report(struct kt_rule_run *run, const char *field, enum kt_problem problem,
                                  const char *value, const char *format, ...) KT_PRINTF(5, 6);
/* The same with another origin for this finding. */
struct kt_finding *kt_rule_report_as(struct kt_rule_run *run, enum kt_origin origin, const char *field,
                                     enum kt_problem problem, const char *value, const char *format, ...)
    KT_PRINTF(6, 7);

/* Asked by a loop over the user's input before each turn, with the steps of work (base/arena.h) that the turn takes and
 * the field that the loop is over. False when it may end: there is no work left, or no room for another finding. */
bool kt_rule_goes_on(const struct kt_rule_run *run, size_t steps, const char *part);

struct kt_rule_table {
    const char *family; /* "tuning" */
    const struct kt_rule *rules;
    size_t count;
};
extern const struct kt_rule_table kt_rules_metadata;         /* M */
extern const struct kt_rule_table kt_rules_resource;         /* R001 to R009: shape, machine type, count */
extern const struct kt_rule_table kt_rules_nodes;            /* R010 to R019: labelSelector, bring-your-own nodes */
extern const struct kt_rule_table kt_rules_partition;        /* R020 to R039: MIG and accelerator partitions */
extern const struct kt_rule_table kt_rules_inference_memory; /* R040 to R059: does a model that is served fit */
extern const struct kt_rule_table kt_rules_memory;           /* R060 and up: the memory rows of tuning */
extern const struct kt_rule_table kt_rules_tuning;           /* T */
extern const struct kt_rule_table kt_rules_config;           /* C: tuning config maps */
extern const struct kt_rule_table kt_rules_trainer;          /* C020 to C049: what the trainer ends on */
extern const struct kt_rule_table kt_rules_inference;        /* I001 to I029: preset, runtime, model streaming */
extern const struct kt_rule_table kt_rules_adapters;         /* I030 and up: adapters */
extern const struct kt_rule_table kt_rules_inference_config; /* C100 and up: inference config maps */
extern const struct kt_rule_table kt_rules_update;           /* U */
extern const struct kt_rule_table kt_rules_cluster;          /* X */

/* All tables in documentation order; NULL-terminated. Besides these, findings carry the ids SCHEMA, DECODE, LIMIT and
 * F0xx (fields). */
extern const struct kt_rule_table *const kt_rule_tables[];

#endif
