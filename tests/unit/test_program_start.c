/* SPDX-License-Identifier: Apache-2.0 */
/* A program that is started without standard descriptors must not get its files under their numbers. */
#include "kube/program_start.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/cmocka_all.h"

/* In a child: which of the checks fails, 0 when none. */
static int start_without(unsigned closed)
{
    struct kt_error error;
    char byte = 'x';
    for (int fd = 0; fd < 3; fd++)
        if (closed & (1u << fd))
            close(fd);
    if (kt_program_start(&error) != 0)
        return 1;
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            return 2;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (next < 3)
        return 3;
    /* Closed stays unusable: a command whose output goes nowhere must say so. */
    if ((closed & 1) && (read(0, &byte, 1) >= 0 || errno != EBADF))
        return 4;
    for (int fd = 1; fd < 3; fd++)
        if ((closed & (1u << fd)) && (write(fd, &byte, 1) >= 0 || errno != EBADF))
            return 5;
    return 0;
}

static void closed_descriptors_are_filled(void **state KT_UNUSED)
{
    for (unsigned closed = 0; closed < 8; closed++) {
        pid_t child = fork();
        if (child == 0)
            _exit(start_without(closed));
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("descriptors %#x closed: check %d", closed, WEXITSTATUS(status));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(closed_descriptors_are_filled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
