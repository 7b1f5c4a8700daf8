/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects for tests: files of the repository, trees from text, changed copies. Every function ends the test program
 * with a message when it cannot do its work, so that a test reads like the thing it tests.
 */
#ifndef KT_TESTS_LIB_OBJECTS_H
#define KT_TESTS_LIB_OBJECTS_H

#include "text/json.h"
#include "tests/lib/json_text.h"

/* A file by its path in the repository. The tests run from its root, or KT_SOURCE_DIR names it. */
struct kt_str kt_test_read_file(struct kt_arena *arena, const char *path);
/* Names of the files of a folder that end in suffix, sorted. */
const char *const *kt_test_list_files(struct kt_arena *arena, const char *folder, const char *suffix,
                                      size_t *ret_count);

cJSON *kt_test_yaml(struct kt_arena *arena, struct kt_str text);
const char *kt_test_write_json(struct kt_arena *arena, const cJSON *node);

/* RFC 7396: a copy of target with patch merged into it. */
cJSON *kt_test_merge(struct kt_arena *arena, const cJSON *target, const cJSON *patch);

/* The tuning templates that are compiled in, as a JSON array of ConfigMaps. */
cJSON *kt_test_templates(struct kt_arena *arena);

#endif
