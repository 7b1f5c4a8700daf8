/* SPDX-License-Identifier: Apache-2.0 */
/* What can be written where: is there a terminal, does it want colour, how wide is it. */
#ifndef KT_PLUGIN_TERMINAL_H
#define KT_PLUGIN_TERMINAL_H

#include "kube/environment.h"

struct kt_terminal {
    bool is_terminal;
    bool colour;  /* a terminal, TERM is not "dumb", NO_COLOR is absent or empty (no-color.org) */
    size_t width; /* columns: COLUMNS, the terminal's own, or 80 */
};

void kt_terminal_init(struct kt_terminal *terminal, int fd, const struct kt_environment *environment);

enum kt_style { KT_STYLE_ERROR, KT_STYLE_WARNING, KT_STYLE_GOOD, KT_STYLE_STRONG, KT_STYLE_FAINT };

/* Escape sequences, or "" without colour. */
const char *kt_terminal_style(const struct kt_terminal *terminal, enum kt_style style);
const char *kt_terminal_plain(const struct kt_terminal *terminal);

#endif
