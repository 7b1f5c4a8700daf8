/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that nearly every object has: packed objects hold a number for each (store_pack.h). */
#ifndef KT_WEBHOOK_CLUSTER_COMMON_TEXTS_H
#define KT_WEBHOOK_CLUSTER_COMMON_TEXTS_H

/* The number of a text, or -1. */
int kt_common_text_find(const char *text);
/* The text of a number, or NULL: no such number. */
const char *kt_common_text(unsigned number);

#endif
