/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The losses in a trainer's log, and whether they say that nothing is learnt. transformers prints a record as a Python
 * dict: `{'loss': 1.23, 'epoch': 0.1}` before version 5, `{'loss': '1.23', 'epoch': '0.1'}` from then on.
 */
#ifndef KT_WORKLOAD_LOSSES_H
#define KT_WORKLOAD_LOSSES_H

#include "base/str.h"

/* A training that goes well may begin with a record or two that look bad; so many are a reason to speak. */
#define KT_LEAST_LOSSES UINT32_C(3)

struct kt_losses {
    uint32_t count;
    uint32_t zeros;
    uint32_t bad_in_a_row; /* the last ones that are not a number */
};

/* Counts the loss of one line and returns it without quotes. False: the line is no record of a training step. */
bool kt_losses_take(struct kt_losses *losses, struct kt_str line, struct kt_str *ret);
/* Why this training is in vain, for a person; NULL: the losses do not say that, or fewer than least do. */
const char *kt_losses_fault(const struct kt_losses *losses, uint32_t least);

#endif
