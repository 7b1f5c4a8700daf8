/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tune` in steps: flags to objects (tune_build.c, tune_config.c), the verdict of the rules (tune_judge.c), and the way
 * to the server (tune_apply.c).
 */
#ifndef KT_PLUGIN_TUNE_H
#define KT_PLUGIN_TUNE_H

#include "admission/admission.h"
#include "plugin/command.h"
#include "plugin/output.h"

enum kt_tune_dry_run { KT_TUNE_DRY_RUN_NONE, KT_TUNE_DRY_RUN_CLIENT, KT_TUNE_DRY_RUN_SERVER };

struct kt_tune_options {
    const char *workspace_name;
    const char *model;
    const char *model_image;
    const char *model_access_secret;
    const char *method;
    const char *instance_type;
    struct kt_number count;
    struct kt_texts node_selector;
    struct kt_texts annotations;
    const char *dataset_format;
    struct kt_texts input_urls;
    const char *input_image;
    struct kt_texts input_pull_secrets;
    const char *input_pvc;
    const char *output_image;
    const char *output_push_secret;
    const char *output_pvc;
    const char *config;
    struct kt_texts settings; /* --set */
    bool tuning;              /* the Go plugin's switch: says nothing to `tune` */
    const char *adapters;     /* of serving: refused */
    const char *inference_config;
    bool enable_load_balancer;
    bool force_conflicts;
    const char *dry_run;
    const char *output;
    bool wait;
    bool follow;
    const char *timeout;
    struct kt_judge_flags judge;
};

/* What is to be made. */
struct kt_tune {
    struct kt_app *app;
    const struct kt_tune_options *options;
    struct kt_settings settings;
    enum kt_tune_dry_run dry_run;
    struct kt_output_format format;
    int64_t timeout_ms; /* of --wait; 0: none */
    const char *name;
    cJSON *workspace;          /* as it will be sent: absent fields are for the server to fill */
    cJSON *config_map;         /* NULL: none is made */
    const char *float16_image; /* tag of the image that trains: the copied template is a float16 one; else NULL */
};

/* Reads the flags and builds the objects, without any network. */
int kt_tune_build(struct kt_app *app, const struct kt_tune_options *options, struct kt_tune *ret,
                  struct kt_error *error) KT_NODISCARD;
/* The ConfigMap of --config FILE and --set; *ret_name is what tuning.config says (NULL: nothing). */
int kt_tune_build_config(struct kt_tune *tune, const char **ret_name, struct kt_error *error) KT_NODISCARD;

struct kt_connection;

/* Judges a Workspace with the ConfigMap beside it. old_object NULL: it does not exist yet. live NULL: offline. */
int kt_tune_judge(struct kt_tune *tune, struct kt_connection *live, const char *namespace_, const cJSON *object,
                  const cJSON *old_object, struct kt_findings *ret, struct kt_error *error) KT_NODISCARD;
/* Writes warnings, and what is wrong in the words in which the server would refuse. True when it is refused. */
bool kt_tune_report(struct kt_tune *tune, const struct kt_findings *findings);

/* Sends. Returns an exit code or a negative error code. */
int kt_tune_apply(struct kt_tune *tune, struct kt_error *error) KT_NODISCARD;
/* Writes the objects, or a line for each: "workspace.kaito.sh/NAME WHAT". */
int kt_tune_write(struct kt_tune *tune, const cJSON *config_map, const char *config_map_done, const cJSON *workspace,
                  const char *workspace_done, struct kt_error *error) KT_NODISCARD;

int kt_tune_run(struct kt_app *app, const void *options, struct kt_error *error);

#endif
