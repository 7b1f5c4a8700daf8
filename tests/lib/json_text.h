/* SPDX-License-Identifier: Apache-2.0 */
/* JSON literals in tests. */
#ifndef KT_TESTS_LIB_JSON_TEXT_H
#define KT_TESTS_LIB_JSON_TEXT_H

#include "text/json.h"

/* The tree of a text; the running cmocka test fails with the reason when it is refused. */
cJSON *kt_test_json(struct kt_arena *arena, const char *text);
/* The compact text of a tree, in the arena. */
const char *kt_test_json_text(struct kt_arena *arena, const cJSON *node);
/* Fails the test unless all lists of children are as cJSON's own functions expect them: neighbours point at each other
 * and the first child's prev at the last one. */
void kt_test_json_sound(const cJSON *node);

#endif
