/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/base.h"
#include "kube/program_start.h"
#include "webhook/config.h"
#include "webhook/render.h"
#include "webhook/review.h"
#include "webhook/serve_command.h"
#include "webhook/version.h"

#define BAD_USAGE 2

struct mode {
    const char *name;
    const char *synopsis;
    const char *help;
    int (*run)(int argc, char **argv); /* argv without the name of the mode */
};

static int bad_argument(const char *mode, const char *argument)
{
    fprintf(stderr, "kaito-webhook: %s: unknown argument %s; see kaito-webhook --help\n", mode, argument);
    return BAD_USAGE;
}

static int run_review(int argc, char **argv)
{
    bool schema = false;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--schema") != 0) {
            return bad_argument("review", argv[i]);
        }
        schema = true;
    }
    return kt_webhook_review_main(schema, stdin, stdout, stderr);
}

static int run_render(int argc, char **argv)
{
    return argc > 0 ? bad_argument("render", argv[0]) : kt_webhook_render_main(stdin, stdout, stderr);
}

static const struct mode MODES[] = {
    {"review", "review [--schema]",
     "judge admission cases, one JSON object a line, from standard input: {\"id\", \"request\", \"featureGates\",\n"
     "      \"settings\", \"clusterObjects\"}. --schema goes as an API server does: prune, default, schema, rules.",
     run_review},
    {"render", "render",
     "say what the reconciler would make of Workspaces, one JSON object a line: {\"id\", \"object\",\n"
     "      \"featureGates\", \"settings\", \"clusterObjects\"} to {\"id\", \"targetNodeCount\", \"objects\", "
     "\"error\"}.",
     run_render},
};

static void write_help(void)
{
    puts("kaito-webhook serves the admission webhooks of Kaito Workspaces, and runs tuning Workspaces on NVIDIA GPU "
         "nodes.\n\n"
         "Usage:\n"
         "  kaito-webhook [flags]\n"
         "      serve until SIGTERM.");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(MODES); i++) {
        printf("  kaito-webhook %s\n      %s\n", MODES[i].synopsis, MODES[i].help);
    }
    puts("  kaito-webhook --version\n  kaito-webhook --help\n");
    kt_webhook_config_write_help(stdout);
}

int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    struct kt_error error;
    if (kt_program_start(&error) != 0) {
        fprintf(stderr, "error: %s\n", error.message);
        return 1;
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(MODES); i++) {
        if (strcmp(first, MODES[i].name) == 0) {
            return MODES[i].run(argc - 2, argv + 2);
        }
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0) {
        write_help();
        return 0;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "version") == 0) {
        printf("kaito-webhook %s (Kaito %s)\n", kt_webhook_version, kt_webhook_upstream_version);
        return 0;
    }
    return kt_serve_command(argc, argv);
}
