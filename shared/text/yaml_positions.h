/* SPDX-License-Identifier: Apache-2.0 */
/* Writing side of the table of positions. Private to text/yaml_*.c. */
#ifndef KT_TEXT_YAML_POSITIONS_H
#define KT_TEXT_YAML_POSITIONS_H

#include "text/yaml.h"

/* NULL when memory is out. */
struct kt_positions *kt_positions_new(struct kt_arena *arena);
/* Of a node; key.line is 0 for what is not a member. The latest call for a node counts. When memory is out the arena
 * remembers it (arena->failed). */
void kt_positions_set(struct kt_positions *positions, const cJSON *node, struct kt_position value,
                      struct kt_position key);

#endif
