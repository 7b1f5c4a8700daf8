/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the scripts of a tuning's containers as a kubelet would, in this machine's sh and, where it is installed, in
 * busybox with busybox's own tools, which is what the images have. Every function fails the running cmocka test when it
 * cannot do its work.
 */
#ifndef KT_TESTS_LIB_SCRIPT_RUN_H
#define KT_TESTS_LIB_SCRIPT_RUN_H

#include "base/arena.h"
#include "base/embedded.h"

enum kt_shell { KT_SHELL_SYSTEM, KT_SHELL_BUSYBOX, KT_SHELL_COUNT };

/* A folder with nothing in it but `tools`, which comes first on the PATH of what is run. */
struct kt_script_place {
    struct kt_arena arena;
    enum kt_shell shell;
    char folder[64];
};
/* False when this shell is not installed here. */
bool kt_script_place_make(struct kt_script_place *place, enum kt_shell shell);
/* Removes the folder and all in it. Accepts a zeroed place. */
void kt_script_place_remove(struct kt_script_place *place);

/* "<folder>/<name>", in the arena. */
const char *kt_script_path(struct kt_script_place *place, const char *name);
/* Writes a file of the folder, parents made; executable below tools/. */
void kt_script_write(struct kt_script_place *place, const char *name, const char *text);
/* The text of a file, or NULL when there is none. */
const char *kt_script_read(struct kt_script_place *place, const char *name);
/* Names of all files and folders below a folder, sorted, each with a line feed. */
const char *kt_script_list(struct kt_script_place *place, const char *name);

/* Runs with these variables ("NAME=value", NULL-terminated) and no others but PATH and HOME, the folder being the
 * current one. Returns the exit status; *ret_output is what came on both outputs. 60 seconds at most. */
int kt_script_run(struct kt_script_place *place, const char *script, const char *const *variables,
                  const char **ret_output);
/* The last line of an output. */
const char *kt_script_last_line(struct kt_script_place *place, const char *output);

/* A scenario is `static void name(struct kt_script_place *place)`: KT_SCENARIO(name) makes two tests of it, and
 * KT_IN_EVERY_SHELL(name) lists them. Where busybox is not installed the second is skipped. */
void kt_script_scenario(void (*scenario)(struct kt_script_place *place), enum kt_shell shell);

#define KT_SCENARIO(scenario)                           \
    static void scenario##_in_sh(void **state)          \
    {                                                   \
        (void)state;                                    \
        kt_script_scenario(scenario, KT_SHELL_SYSTEM);  \
    }                                                   \
    static void scenario##_in_busybox(void **state)     \
    {                                                   \
        (void)state;                                    \
        kt_script_scenario(scenario, KT_SHELL_BUSYBOX); \
    }
#define KT_IN_EVERY_SHELL(scenario) cmocka_unit_test(scenario##_in_sh), cmocka_unit_test(scenario##_in_busybox)

#endif
