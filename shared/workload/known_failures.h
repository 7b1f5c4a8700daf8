/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs in a tuning's pod print before they end, what it means and what helps: one row a kind. Of the lines
 * of a container's last output the one is chosen that says most.
 */
#ifndef KT_WORKLOAD_KNOWN_FAILURES_H
#define KT_WORKLOAD_KNOWN_FAILURES_H

#include "workload/diagnosis_internal.h"

struct kt_known_failure {
    enum kt_role role;
    /* What stands in front of the first colon: the class of an exception, without its module, or a program. NULL: any,
     * or nothing. */
    const char *name;
    /* How the rest of the line begins. '*' stands for any text; '$' at the end: nothing may follow. */
    const char *words;
    const char *reason; /* CamelCase, for a condition; NULL: that of the container's role */
    const char *advice; /* what a person can do */
    bool is_outer;      /* said of a failure that an earlier line may tell of in its own words */
};

/* The row for one line, or NULL. */
const struct kt_known_failure *kt_known_failure_of_line(enum kt_role role, struct kt_str line);
/* The row for what a container said last, NULL: none, and in any case the line to quote: that of the row, else the one
 * that kt_cause_last_words gives. The last line that has a row counts. */
const struct kt_known_failure *kt_known_failure_of_output(struct kt_arena *arena, enum kt_role role, const char *output,
                                                          const char **ret_line);

#endif
