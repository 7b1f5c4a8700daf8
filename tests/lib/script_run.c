/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/script_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "tests/lib/cmocka_all.h"

#define MOST_VARIABLES 32
#define MOST_OUTPUT_BYTES ((size_t)KT_MIB)
#define DEADLINE_MS 60000
#define SYSTEM_PATH "/usr/local/bin:/usr/bin:/bin"

static bool has_busybox(void)
{
    return access("/usr/bin/busybox", X_OK) == 0 || access("/bin/busybox", X_OK) == 0;
}

bool kt_script_place_make(struct kt_script_place *place, enum kt_shell shell)
{
    const char *output;
    if (shell == KT_SHELL_BUSYBOX && !has_busybox())
        return false;
    *place = (struct kt_script_place){.shell = KT_SHELL_SYSTEM};
    kt_arena_init(&place->arena, (size_t)(64 * KT_MIB));
    assert_true(snprintf(place->folder, sizeof(place->folder), "/tmp/kt-script-XXXXXX") > 0);
    assert_non_null(mkdtemp(place->folder));
    assert_int_equal(mkdir(kt_script_path(place, "tools"), 0755), 0);
    if (shell == KT_SHELL_BUSYBOX) {
        assert_int_equal(kt_script_run(place, "mkdir busybox && busybox --install -s busybox", NULL, &output), 0);
        place->shell = shell;
    }
    return true;
}

void kt_script_place_remove(struct kt_script_place *place)
{
    const char *output;
    if (!place->folder[0])
        return;
    place->shell = KT_SHELL_SYSTEM;
    assert_int_equal(kt_script_run(place, "chmod -R u+rwX . && rm -rf \"$PWD\"", NULL, &output), 0);
    kt_arena_release(&place->arena);
    place->folder[0] = '\0';
}

const char *kt_script_path(struct kt_script_place *place, const char *name)
{
    const char *path = kt_arena_printf(&place->arena, "%s/%s", place->folder, name);
    assert_non_null(path);
    return path;
}

void kt_script_write(struct kt_script_place *place, const char *name, const char *text)
{
    char *path = kt_arena_strdup(&place->arena, kt_script_path(place, name));
    assert_non_null(path);
    for (char *slash = strchr(path + strlen(place->folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fchmod(fileno(file), strncmp(name, "tools/", 6) == 0 ? 0755 : 0644), 0);
    assert_int_equal(fclose(file), 0);
}

const char *kt_script_read(struct kt_script_place *place, const char *name)
{
    char *text = kt_arena_alloc(&place->arena, MOST_OUTPUT_BYTES);
    FILE *file = fopen(kt_script_path(place, name), "re");
    assert_non_null(text);
    if (!file)
        return NULL;
    size_t length = fread(text, 1, MOST_OUTPUT_BYTES - 1, file);
    text[length] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

const char *kt_script_list(struct kt_script_place *place, const char *name)
{
    const char *output;
    const char *command =
        kt_arena_printf(&place->arena, "cd '%s' && find . -mindepth 1 | LC_ALL=C sort | cut -c3-", name);
    assert_non_null(command);
    enum kt_shell shell = place->shell;
    place->shell = KT_SHELL_SYSTEM;
    assert_int_equal(kt_script_run(place, command, NULL, &output), 0);
    place->shell = shell;
    return output;
}

/* --- processes ---------------------------------------------------------------------------------------------------- */

static void run_child(struct kt_script_place *place, const char *script, const char *const *environment, int output)
{
    const char *const system_sh[] = {"/bin/sh", "-c", script, NULL};
    const char *const busybox_sh[] = {"busybox/sh", "-c", script, NULL};
    const char *const *words = place->shell == KT_SHELL_BUSYBOX ? busybox_sh : system_sh;
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0 && dup2(nothing, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2 &&
        chdir(place->folder) == 0)
        execve(words[0], (char *const *)(uintptr_t)words, (char *const *)(uintptr_t)environment);
    _exit(127);
}

/* Until the last process has closed its end, or the deadline. */
static void read_all(int fd, pid_t child, struct kt_strbuf *text)
{
    int64_t end_ms = kt_clock_monotonic_ms(&kt_clock_system) + DEADLINE_MS;
    char piece[4096];
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left_ms = end_ms - kt_clock_monotonic_ms(&kt_clock_system);
        if (left_ms <= 0) {
            kill(-child, SIGKILL);
            fail_msg("the script did not end; so far it said: %s", text->data);
        }
        if (poll(&wait, 1, (int)left_ms) <= 0)
            continue;
        ssize_t got = read(fd, piece, sizeof(piece));
        if (got <= 0)
            return;
        kt_strbuf_add(text, piece, (size_t)got);
    }
}

int kt_script_run(struct kt_script_place *place, const char *script, const char *const *variables,
                  const char **ret_output)
{
    const char *environment[MOST_VARIABLES + 3] = {NULL};
    struct kt_strbuf text;
    int ends[2], status;
    size_t count = 0;
    environment[count++] = kt_arena_printf(&place->arena, "PATH=%s/tools:%s%s" SYSTEM_PATH, place->folder,
                                           place->shell == KT_SHELL_BUSYBOX ? place->folder : "",
                                           place->shell == KT_SHELL_BUSYBOX ? "/busybox:" : "");
    environment[count++] = kt_arena_printf(&place->arena, "HOME=%s", place->folder);
    for (size_t i = 0; variables && variables[i]; i++) {
        assert_true(count < MOST_VARIABLES + 2);
        environment[count++] = variables[i];
    }
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setpgid(0, 0);
        run_child(place, script, environment, ends[1]);
    }
    close(ends[1]);
    kt_strbuf_init(&text, &place->arena, MOST_OUTPUT_BYTES);
    read_all(ends[0], child, &text);
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    *ret_output = text.data;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *kt_script_last_line(struct kt_script_place *place, const char *output)
{
    size_t length = strlen(output);
    while (length > 0 && output[length - 1] == '\n')
        length--;
    size_t start = length;
    while (start > 0 && output[start - 1] != '\n')
        start--;
    return kt_arena_strndup(&place->arena, output + start, length - start);
}

void kt_script_scenario(void (*scenario)(struct kt_script_place *place), enum kt_shell shell)
{
    struct kt_script_place place;
    if (!kt_script_place_make(&place, shell)) {
        print_message("busybox is not installed (make deps-lint)\n");
        skip();
    }
    scenario(&place);
    kt_script_place_remove(&place);
}
