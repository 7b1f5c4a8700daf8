/* SPDX-License-Identifier: Apache-2.0 */
/* make-certs: a CA and a server certificate in a folder, for a webhook whose certificates nobody else makes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "certs/certificate.h"

#define ARENA_BYTES ((size_t)(4 * KT_MIB))

struct options {
    const char *folder;
    const char *dns_names[KT_CERTIFICATE_NAMES + 1];
    size_t dns_count;
    const char *ip_addresses[KT_CERTIFICATE_NAMES + 1];
    size_t ip_count;
    int64_t days;
    int64_t ca_days;
    bool force;
    bool help;
};

static const char usage[] =
    "Makes a certificate authority and a server certificate signed by it.\n"
    "\n"
    "  make-certs --dir DIR --dns NAME [--dns NAME ...] [--ip ADDRESS ...] [--days N] [--ca-days N] [--force]\n"
    "\n"
    "  --dir DIR      folder for ca.crt, ca.key, tls.crt and tls.key; made when it does not exist\n"
    "  --dns NAME     a DNS name of the server, e.g. kaito-webhook.kaito.svc; may be repeated\n"
    "  --ip ADDRESS   an IPv4 or IPv6 address of the server; may be repeated\n"
    "  --days N       how long the server certificate is valid (default 90)\n"
    "  --ca-days N    how long the CA is valid (default 365)\n"
    "  --force        replace files that are there\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong arguments.\n";

static int add_name(const char **names, size_t *count, const char *value, struct kt_error *error)
{
    if (*count == KT_CERTIFICATE_NAMES)
        return kt_error_set(error, KT_ELIMIT, "more than %d names", KT_CERTIFICATE_NAMES);
    names[(*count)++] = value;
    return 0;
}

static int set_days(int64_t *target, const char *flag, const char *value, struct kt_error *error)
{
    char *end;
    errno = 0;
    long long days = strtoll(value, &end, 10);
    if (errno != 0 || *end != '\0' || end == value || days < 1 || days > 36500)
        return kt_error_set(error, KT_EINVAL, "%s %s: give a number of days from 1 to 36500", flag, value);
    *target = days;
    return 0;
}

static int set_option(struct options *options, const char *flag, const char *value, struct kt_error *error)
{
    if (kt_streq(flag, "--dir")) {
        options->folder = value;
        return *value ? 0 : kt_error_set(error, KT_EINVAL, "--dir needs the name of a folder");
    }
    if (kt_streq(flag, "--dns"))
        return add_name(options->dns_names, &options->dns_count, value, error);
    if (kt_streq(flag, "--ip"))
        return add_name(options->ip_addresses, &options->ip_count, value, error);
    if (kt_streq(flag, "--days"))
        return set_days(&options->days, flag, value, error);
    return set_days(&options->ca_days, flag, value, error);
}

static const char *const flags_with_value[] = {"--dir", "--dns", "--ip", "--days", "--ca-days"};

/* Takes one flag, which may be followed by its value or hold it after "=". *index stands at the flag. */
static int take_flag(struct options *options, char **arguments, int count, int *index, struct kt_error *error)
{
    const char *argument = arguments[*index];
    if (kt_streq(argument, "--force")) {
        options->force = true;
        return 0;
    }
    if (kt_streq(argument, "--help") || kt_streq(argument, "-h")) {
        options->help = true;
        return 0;
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(flags_with_value); i++) {
        const char *flag = flags_with_value[i];
        size_t length = strlen(flag);
        if (strncmp(argument, flag, length) != 0)
            continue;
        if (argument[length] == '=')
            return set_option(options, flag, argument + length + 1, error);
        if (argument[length] != '\0')
            continue;
        if (*index + 1 >= count)
            return kt_error_set(error, KT_EINVAL, "%s needs a value", flag);
        return set_option(options, flag, arguments[++*index], error);
    }
    return kt_error_set(error, KT_EINVAL, "unknown argument %s", argument);
}

static int parse_arguments(struct options *options, char **arguments, int count, struct kt_error *error)
{
    for (int i = 1; i < count; i++) {
        int code = take_flag(options, arguments, count, &i, error);
        if (code != 0)
            return code;
    }
    if (options->help)
        return 0;
    if (!options->folder)
        return kt_error_set(error, KT_EINVAL, "--dir is missing: where shall the files go?");
    if (options->dns_count + options->ip_count == 0)
        return kt_error_set(error, KT_EINVAL, "give at least one name of the server with --dns or --ip");
    return 0;
}

/* --- files ----------------------------------------------------------------------------------------------------------
 */

struct output {
    const char *name;
    mode_t mode;
    struct kt_str text;
    char path[PATH_MAX];
    char new_path[PATH_MAX];
};

static int fail_with_errno(struct kt_error *error, const char *what, const char *path)
{
    int number = errno;
    char reason[128];
    return kt_error_set(error, KT_EIO, "cannot %s %s: %s", what, path, strerror_r(number, reason, sizeof(reason)));
}

static int name_output(const char *folder, struct output *output, bool force, struct kt_error *error)
{
    struct stat status;
    if ((size_t)snprintf(output->path, sizeof(output->path), "%s/%s", folder, output->name) >= sizeof(output->path) ||
        (size_t)snprintf(output->new_path, sizeof(output->new_path), "%s/.%s.XXXXXX", folder, output->name) >=
            sizeof(output->new_path))
        return kt_error_set(error, KT_EINVAL, "the name of the folder is too long");
    if (!force && lstat(output->path, &status) == 0)
        return kt_error_set(error, KT_EIO, "%s is there already; give --force to replace it", output->path);
    return 0;
}

static int write_all(int fd, struct kt_str text)
{
    while (text.length > 0) {
        ssize_t written = write(fd, text.data, text.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        text.data += written;
        text.length -= (size_t)written;
    }
    return 0;
}

/* Into a new file beside the final one, so that nobody ever sees half a key. */
static int write_output(struct output *output, struct kt_error *error)
{
    KT_CLEANUP(kt_close_fd) int fd = mkostemp(output->new_path, O_CLOEXEC);
    if (fd < 0) {
        int code = fail_with_errno(error, "make a file in the folder of", output->path);
        output->new_path[0] = '\0';
        return code;
    }
    if (fchmod(fd, output->mode) != 0 || write_all(fd, output->text) != 0 || fsync(fd) != 0)
        return fail_with_errno(error, "write", output->path);
    return 0;
}

static int write_outputs(const char *folder, struct output *outputs, size_t count, bool force, struct kt_error *error)
{
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return fail_with_errno(error, "make the folder", folder);
    int code = 0;
    for (size_t i = 0; i < count && code == 0; i++)
        code = name_output(folder, &outputs[i], force, error);
    if (code != 0)
        return code;
    size_t written = 0;
    while (written < count && code == 0)
        code = write_output(&outputs[written++], error);
    for (size_t i = 0; i < count && code == 0; i++) {
        if (rename(outputs[i].new_path, outputs[i].path) == 0)
            outputs[i].new_path[0] = '\0';
        else
            code = fail_with_errno(error, "replace", outputs[i].path);
    }
    for (size_t i = 0; i < written; i++)
        if (outputs[i].new_path[0] != '\0')
            unlink(outputs[i].new_path);
    return code;
}

static int make(const struct options *options, struct kt_error *error)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, ARENA_BYTES);
    int64_t now_ms = kt_clock_wall_ms(&kt_clock_system);
    struct kt_certificate_pair ca, leaf;
    struct kt_certificate_request request = {
        .dns_names = options->dns_names, .ip_addresses = options->ip_addresses, .days = options->days};
    int code = kt_certificate_make_ca(&arena, "kaito-webhook-ca", options->ca_days, now_ms, &ca, error);
    if (code == 0)
        code = kt_certificate_issue(&arena, &ca, &request, now_ms, &leaf, error);
    if (code != 0)
        return code;
    struct output outputs[] = {
        {.name = "ca.key", .mode = 0600, .text = ca.key_pem},
        {.name = "ca.crt", .mode = 0644, .text = ca.certificate_pem},
        {.name = "tls.key", .mode = 0600, .text = leaf.key_pem},
        {.name = "tls.crt", .mode = 0644, .text = leaf.certificate_pem},
    };
    return write_outputs(options->folder, outputs, KT_ARRAY_LENGTH(outputs), options->force, error);
}

int main(int count, char **arguments)
{
    struct options options = {.days = KT_CERTIFICATE_DAYS, .ca_days = KT_CERTIFICATE_CA_DAYS};
    struct kt_error error = {0};
    if (parse_arguments(&options, arguments, count, &error) != 0) {
        fprintf(stderr, "make-certs: %s\nSee make-certs --help\n", error.message);
        return 2;
    }
    if (options.help)
        return fputs(usage, stdout) < 0 || fflush(stdout) != 0;
    int code = make(&options, &error);
    if (code == 0)
        return 0;
    fprintf(stderr, "make-certs: %s\n", error.message);
    return code == KT_EINVAL || code == KT_ELIMIT ? 2 : 1;
}
