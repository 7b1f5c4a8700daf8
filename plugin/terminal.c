/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_WIDTH 80
#define NARROWEST 40
#define WIDEST 1000

static size_t width_of(int fd, const struct kt_environment *environment)
{
    const char *columns = kt_environment_get(environment, "COLUMNS");
    struct winsize size;
    unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
    if (width == 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (width == 0)
        width = USUAL_WIDTH;
    return (size_t)KT_MIN(KT_MAX(width, (unsigned long)NARROWEST), (unsigned long)WIDEST);
}

void kt_terminal_init(struct kt_terminal *terminal, int fd, const struct kt_environment *environment)
{
    const char *term = kt_environment_get(environment, "TERM");
    const char *no_colour = kt_environment_get(environment, "NO_COLOR");
    bool is_terminal = isatty(fd) == 1;
    *terminal = (struct kt_terminal){
        .is_terminal = is_terminal,
        .colour = is_terminal && term && term[0] && !kt_streq(term, "dumb") && !(no_colour && no_colour[0]),
        .width = width_of(fd, environment),
    };
}

const char *kt_terminal_style(const struct kt_terminal *terminal, enum kt_style style)
{
    static const char *const sequences[] = {
        [KT_STYLE_ERROR] = "\x1b[31m", [KT_STYLE_WARNING] = "\x1b[33m", [KT_STYLE_GOOD] = "\x1b[32m",
        [KT_STYLE_STRONG] = "\x1b[1m", [KT_STYLE_FAINT] = "\x1b[2m",
    };
    return terminal->colour ? sequences[style] : "";
}

const char *kt_terminal_plain(const struct kt_terminal *terminal)
{
    return terminal->colour ? "\x1b[0m" : "";
}
