/* SPDX-License-Identifier: Apache-2.0 */
/* The two queues of a look-up: the line to the look-up thread, and the way back to the worker that parked a request. */
#ifndef KT_WEBHOOK_CLUSTER_LOOKUP_QUEUE_H
#define KT_WEBHOOK_CLUSTER_LOOKUP_QUEUE_H

#include "webhook/cluster/lookup.h"

/* More than this waiting: the next review is answered with what is known. */
#define KT_LOOKUP_LINE_LIMIT 256

struct kt_lookup_line;

struct kt_lookup_line *kt_lookup_line_new(void); /* NULL without memory */
void kt_lookup_line_free(struct kt_lookup_line *line);
/* Takes ownership and a reference to lookup->reply_to; false when the line is full or closed. */
bool kt_lookup_line_put(struct kt_lookup_line *line, struct kt_lookup_request *lookup);
/* Waits for the next one; NULL when the line is closed. *ret_deadline_ms: when its answer must be out, monotonic. */
struct kt_lookup_request *kt_lookup_line_take(struct kt_lookup_line *line, int64_t *ret_deadline_ms);
void kt_lookup_line_close(struct kt_lookup_line *line);

/* Gives a finished look-up back; it is freed when the worker has gone. */
void kt_lookup_queue_put(struct kt_lookup_queue *queue, struct kt_lookup_request *lookup);

#endif
