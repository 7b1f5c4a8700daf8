/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from outside, such as an API server's or a pod's, made fit to be shown: a terminal obeys control characters, and
 * a file or a pipe that somebody looks at later leads to one.
 */
#ifndef KT_TEXT_VISIBLE_H
#define KT_TEXT_VISIBLE_H

#include "base/strbuf.h"
#include "text/json.h"

enum kt_visible {
    KT_VISIBLE_LINE,  /* on one line: line feed, tab and carriage return become \n, \t, \r */
    KT_VISIBLE_LINES, /* line feeds and tabs stay */
};

/* A C1 control (U+0080 to U+009F), a mark that turns the direction of writing (U+061C, U+200E, U+200F, U+202A to
 * U+202E, U+2066 to U+2069) or a separator of lines that is no line feed (U+2028, U+2029). character: the bytes of one.
 */
bool kt_visible_steers(struct kt_str character);

/* Appends text with ASCII controls shown as ^[ and the like, and these bytes as \xff: what is not UTF-8, and what
 * kt_visible_steers. */
void kt_visible_write(struct kt_strbuf *buffer, struct kt_str text, enum kt_visible how);

/* Appends a JSON text with what kt_visible_steers written as \uXXXX, which means the same: it stands in strings only.
 */
void kt_visible_write_json(struct kt_strbuf *buffer, struct kt_str json);

#endif
