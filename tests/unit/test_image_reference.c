/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"
#include "text/image_reference.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define HEX64 HEX32 HEX32

static const struct {
    const char *text, *domain, *repository, *tag, *digest;
} accepted[] = {
    {"nginx", "docker.io", "nginx", "", ""},
    {"nginx:1.27", "docker.io", "nginx", "1.27", ""},
    {"library/nginx", "docker.io", "library/nginx", "", ""},
    {"docker.io/nginx", "docker.io", "nginx", "", ""},
    {"index.docker.io/me/nginx:v1", "docker.io", "me/nginx", "v1", ""},
    {"localhost", "docker.io", "localhost", "", ""},
    {"localhost/a:1", "localhost", "a", "1", ""},
    {"localhost:5000/a", "localhost:5000", "a", "", ""},
    {"Registry/a", "Registry", "a", "", ""},
    {"R.IO/a:1", "R.IO", "a", "1", ""},
    {"my.azurecr.io/kaito/phi-3-out:0.0.1", "my.azurecr.io", "kaito/phi-3-out", "0.0.1", ""},
    {"1.2.3.4:5000/a:1", "1.2.3.4:5000", "a", "1", ""},
    {"[::1]:5000/a:1", "[::1]:5000", "a", "1", ""},
    {"[fe80::1]/a", "[fe80::1]", "a", "", ""},
    {"r.io:99999/a", "r.io:99999", "a", "", ""}, /* the grammar does not bound ports */
    {"r.io/a__b/c---d.e_f", "r.io", "a__b/c---d.e_f", "", ""},
    {"r.io/a:TAG_x.y-Z", "r.io", "a", "TAG_x.y-Z", ""},
    {"r.io/a:_", "r.io", "a", "_", ""},
    {"r.io/a@sha256:" HEX64, "r.io", "a", "", "sha256:" HEX64},
    {"r.io/a:1@sha256:" HEX64, "r.io", "a", "", "sha256:" HEX64},
    {"a@sha384:" HEX64 HEX32, "docker.io", "a", "", "sha384:" HEX64 HEX32},
    {"a@sha512:" HEX64 HEX64, "docker.io", "a", "", "sha512:" HEX64 HEX64},
    {"my_host.io/a", "my_host.io", "a", "", ""},
    {HEX32, "docker.io", HEX32, "", ""},
};

static void assert_str(struct kt_str actual, const char *expected)
{
    assert_int_equal(actual.length, strlen(expected));
    if (actual.length > 0)
        assert_memory_equal(actual.data, expected, actual.length);
}

static void accepts_and_splits(void **state)
{
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(accepted); i++) {
        struct kt_image_reference reference;
        struct kt_error error = {0};
        if (kt_image_reference_parse(kt_str(accepted[i].text), &reference, &error) < 0)
            fail_msg("%s: %s", accepted[i].text, error.message);
        assert_str(reference.domain, accepted[i].domain);
        assert_str(reference.repository, accepted[i].repository);
        assert_str(reference.tag, accepted[i].tag);
        assert_str(reference.digest, accepted[i].digest);
        assert_int_equal(error.code, KT_OK);
    }
}

static const struct {
    const char *text, *message; /* a part of the message */
} refused[] = {
    {"", "empty"},
    {"r.io/A:1", "upper-case"},
    {"r.io/a/B:1", "\"a/B\" has upper-case"},
    {"ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE:0.0.1", "\"IMAGE_NAME_HERE\" has upper-case"},
    {"AZURE_ACR.azurecr.io/input:0.0.0", "registry \"AZURE_ACR.azurecr.io\""},
    {"Nginx", "upper-case"},
    {"r.io/", "missing"},
    {"r.io/:1", "missing"},
    {"/a:1", "\"/a\" is not valid"},
    {"r.io//a", "not valid"},
    {"r.io/a/", "not valid"},
    {"r.io/a//b", "not valid"},
    {"r.io/-a", "not valid"},
    {"r.io/a-", "not valid"},
    {"r.io/a___b", "not valid"},
    {"r.io/a..b", "not valid"},
    {"r.io/a._b", "not valid"},
    {"$(id)", "not valid"},
    {"r.io/a:", "tag after ':' is empty"},
    {"r.io/a:-t", "tag \"-t\""},
    {"r.io/a:.t", "tag \".t\""},
    {"r.io/a:1:2", "tag \"1:2\""},
    {"r.io/a b", "spaces"},
    {" r.io/a", "spaces"},
    {"r.io/a\n", "control"},
    {"r.io/\xc3\xa9", "ASCII"},
    {"https://r.io/a", "leave out \"https://\""},
    {"oci://r.io/a", "leave out \"oci://\""},
    {"r.io:port/a", "registry \"r.io:port\""},
    {"r.io:/a", "registry \"r.io:\""},
    {"_r.io/a", "registry \"_r.io\""},
    {"-r.io/a", "registry"},
    {"r-.io/a", "registry"},
    {"r.io./a", "registry"},
    {".r.io/a", "registry"},
    {"[]/a", "not valid"}, /* no dot or colon: not even a domain */
    {"[::1/a", "registry"},
    {"[g::]/a", "registry"},
    {HEX64, "image's ID"},
    {"r.io/a@", "sha256:"},
    {"r.io/a@sha256", "sha256:"},
    {"r.io/a@sha256:" HEX32, "64 hexadecimal digits, not 32"},
    {"r.io/a@sha256:" HEX64 "0", "not 65"},
    {"r.io/a@sha256:ABCDEF01" HEX32 "0123456789abcdef01234567", "0-9 and a-f"},
    {"r.io/a@md5:" HEX32, "\"md5\" is not known"},
    {"r.io/a@:" HEX32, "\"\" is not known"},
};

static void refuses_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(refused); i++) {
        struct kt_image_reference reference = {.tag = KT_STR("untouched")};
        struct kt_error error = {0};
        int r = kt_image_reference_parse(kt_str(refused[i].text), &reference, &error);
        if (r != KT_EPARSE || error.code != KT_EPARSE || !strstr(error.message, refused[i].message))
            fail_msg("\"%s\": %d, %s", refused[i].text, r, error.message);
        assert_str(reference.tag, "untouched");
    }
}

static int parse_filled(const char *prefix, size_t fill, const char *suffix)
{
    char text[600];
    size_t length = strlen(prefix);
    memcpy(text, prefix, length);
    memset(text + length, 'a', fill);
    length += fill;
    memcpy(text + length, suffix, strlen(suffix));
    struct kt_image_reference reference;
    return kt_image_reference_parse((struct kt_str){text, length + strlen(suffix)}, &reference, NULL);
}

static void keeps_to_the_lengths(void **state)
{
    (void)state;
    assert_int_equal(parse_filled("r.io/", 255, ":1"), 0);
    assert_int_equal(parse_filled("r.io/", 256, ":1"), KT_EPARSE);
    /* "library/" is put before a plain name and counts */
    assert_int_equal(parse_filled("", 247, ""), 0);
    assert_int_equal(parse_filled("", 248, ""), KT_EPARSE);
    assert_int_equal(parse_filled("docker.io/", 248, ""), KT_EPARSE);
    assert_int_equal(parse_filled("me/", 252, ""), 0);
    assert_int_equal(parse_filled("r.io/a:", 128, ""), 0);
    assert_int_equal(parse_filled("r.io/a:", 129, ""), KT_EPARSE);
}

static void sees_a_nul(void **state)
{
    (void)state;
    struct kt_image_reference reference;
    assert_int_equal(kt_image_reference_parse((struct kt_str){"r.io/a\0b", 8}, &reference, NULL), KT_EPARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_and_splits),
        cmocka_unit_test(refuses_with_a_reason),
        cmocka_unit_test(keeps_to_the_lengths),
        cmocka_unit_test(sees_a_nul),
    };
    return cmocka_run_group_tests_name("image_reference", tests, NULL, NULL);
}
