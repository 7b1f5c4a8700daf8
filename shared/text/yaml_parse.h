/* SPDX-License-Identifier: Apache-2.0 */
/* One document, read by libyaml. Private to text/yaml_*.c. */
#ifndef KT_TEXT_YAML_PARSE_H
#define KT_TEXT_YAML_PARSE_H

#include <yaml.h>

#include "text/yaml.h"

/* text: from the line `---`, if there is one, up to the next. first_line: its number in the whole text. ret is filled
 * as the contract of text/yaml.h says; what is wrong with the document is in ret->error. */
void kt_yaml_read_document(struct kt_arena *arena, struct kt_str text, uint32_t first_line,
                           struct kt_yaml_document *ret);

/* Says in plain words why libyaml stopped (yaml_errors.c). */
void kt_yaml_explain(const yaml_parser_t *parser, struct kt_str text, uint32_t first_line,
                     struct kt_yaml_document *document);

/* Length of the line break at the start of text, or 0. The same that libyaml takes for one, so that both count lines
 * alike: CR, LF, CR LF, U+0085, U+2028, U+2029. */
size_t kt_yaml_break_length(struct kt_str text);
/* Bytes before the first line break, or all. */
size_t kt_yaml_line_length(struct kt_str text);

#endif
