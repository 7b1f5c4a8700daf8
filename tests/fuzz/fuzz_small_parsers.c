/* SPDX-License-Identifier: Apache-2.0 */
/* Names, pointers, paths, Go's numbers, server addresses and certificates from any bytes. */
#include <stdlib.h>

#include "admission/go_number.h"
#include "certs/certificate.h"
#include "kube/server_address.h"
#include "text/clean_path.h"
#include "text/json_pointer.h"
#include "text/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* A name that is let through needs no escaping in a path. */
static void check_names(struct kt_str text)
{
    if (!kt_names_dns1123_subdomain(text)) {
        demand(text.length > 0 && text.length <= 253);
        for (size_t i = 0; i < text.length; i++)
            demand(kt_ascii_is_alnum(text.data[i]) || text.data[i] == '-' || text.data[i] == '.');
        demand(text.data[0] != '.' && text.data[text.length - 1] != '.');
    }
    if (!kt_names_dns1035_label(text))
        demand(!kt_names_dns1123_label(text));
    if (!kt_names_dns1123_label(text))
        demand(!kt_names_dns1123_subdomain(text) && text.length <= 63);
    (void)kt_names_label_key(text);
    (void)kt_names_label_value(text);
    (void)kt_names_config_map_key(text);
}

static void check_pointer(struct kt_arena *arena, struct kt_str text)
{
    struct kt_json_parsed parsed;
    struct kt_str token = {0};
    size_t index;
    bool exact;
    if (kt_json_parse(arena, KT_STR("{\"a\":[{\"b/c\":1},2],\"~\":null}"), KT_JSON_DUPLICATES_REFUSE, &parsed, NULL) !=
        0)
        return;
    cJSON *found = kt_json_pointer_find(parsed.root, text);
    demand(!found || kt_json_pointer_valid(text));
    (void)kt_json_pointer_parent(parsed.root, text, &token);
    (void)kt_json_pointer_index(text, &index);
    char *path = kt_arena_strndup(arena, text.data, text.length);
    if (path)
        (void)kt_field_path_find(parsed.root, path, &exact);
}

static void check_path(struct kt_arena *arena, const char *path)
{
    const char *clean = path[0] == '/' ? kt_clean_path(arena, path) : NULL;
    if (!clean)
        return;
    demand(clean[0] == '/' && !strstr(clean, "//") && strlen(clean) <= strlen(path));
    for (const char *slash = clean; slash; slash = strchr(slash + 1, '/'))
        demand(strncmp(slash, "/../", 4) != 0 && strncmp(slash, "/./", 3) != 0 && !kt_streq(slash, "/.."));
    demand(kt_streq(clean, kt_clean_path(arena, clean) ? kt_clean_path(arena, clean) : clean));
}

static void check_numbers(struct kt_str text)
{
    int64_t whole;
    double number;
    (void)kt_go_atoi(text, &whole);
    (void)kt_go_parse_float(text, &number);
}

static void check_address(struct kt_arena *arena, const char *text)
{
    struct kt_server_address address, again;
    struct kt_error error = {0};
    if (kt_server_address_parse(arena, text, &address, &error) != 0) {
        demand(*error.message);
        return;
    }
    demand(address.port > 0 && address.port <= 65535 && *address.host);
    demand(kt_streq(address.scheme, "http") || kt_streq(address.scheme, "https"));
    demand(kt_server_address_parse(arena, address.url, &again, NULL) == 0 || arena->failed);
}

static void check_certificate(struct kt_arena *arena, struct kt_str text)
{
    struct kt_certificate_info info;
    struct kt_error error = {0};
    if (kt_certificate_inspect(arena, text, &info, &error) != 0)
        demand(*error.message);
    const struct kt_certificate_pair pair = {text, text};
    (void)kt_certificate_check_key(&pair, &error);
    (void)kt_certificate_verify(text, text, "localhost", INT64_C(1795435200000), &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    kt_arena_init(&arena, (size_t)(16 * KT_MIB));
    struct kt_str bytes = {(const char *)data, size};
    char *text = kt_arena_strndup(&arena, size > 0 ? bytes.data : "", size);
    if (!text)
        return 0;
    check_names(bytes);
    check_pointer(&arena, bytes);
    check_path(&arena, text);
    check_numbers(bytes);
    check_address(&arena, text);
    check_certificate(&arena, bytes);
    return 0;
}
