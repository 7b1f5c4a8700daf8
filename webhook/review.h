/* SPDX-License-Identifier: Apache-2.0 */
/* `kaito-webhook review`: admission cases as JSON lines, judged as the server would, without one. */
#ifndef KT_WEBHOOK_REVIEW_H
#define KT_WEBHOOK_REVIEW_H

#include <stdbool.h>
#include <stdio.h>

/* Answers each line of `in` on `out` (see admission/review.h); trouble with the streams is told on `err`. Returns the
 * exit status: 0, or 1 when reading or writing failed. */
int kt_webhook_review_main(bool schema, FILE *in, FILE *out, FILE *err);

#endif
