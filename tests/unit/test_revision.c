/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/admission_case.h"
#include "tests/lib/cmocka_all.h"
#include "text/sha256.h"
#include "workload/names.h"
#include "workload/revision.h"

static struct kt_admission_case test;
static struct kt_error error;

static int set_up(void **state KT_UNUSED)
{
    kt_admission_case_init(&test);
    return 0;
}

static int tear_down(void **state KT_UNUSED)
{
    kt_admission_case_release(&test);
    return 0;
}

static cJSON *changed(const char *patch)
{
    return kt_admission_case_changed(&test, kt_admission_case_tuning(&test), patch);
}

static const char *hash_of(const cJSON *object)
{
    char *hash = kt_arena_alloc(&test.arena, KT_REVISION_HASH_BYTES);
    assert_non_null(hash);
    assert_int_equal(kt_revision_hash(&test.arena, object, hash, &error), 0);
    return hash;
}

static void sha256_is_the_standard_s(void **state KT_UNUSED)
{
    char hex[KT_SHA256_HEX_BYTES];
    assert_int_equal(kt_sha256_hex(KT_STR("abc"), hex, &error), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(kt_sha256_hex((struct kt_str){NULL, 0}, hex, &error), 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* What says nothing new is no new revision. */
static void the_same_wish_has_the_same_hash(void **state KT_UNUSED)
{
    static const char *const patches[] = {
        "{\"metadata\":{\"labels\":{\"a\":\"b\"},\"resourceVersion\":\"7\"},\"status\":{\"state\":\"Running\"}}",
        "{\"resource\":{\"count\":1}}",
        "{\"resource\":{\"count\":1.0}}",
        "{\"resource\":{\"partition\":{}}}",
        "{\"resource\":{\"preferredNodes\":[]}}",
        "{\"tuning\":{\"config\":\"\"}}",
        "{\"tuning\":{\"method\":\"QLoRA\"}}",
        "{\"tuning\":{\"preset\":{\"accessMode\":\"public\",\"presetOptions\":{}}}}",
    };
    const char *base = hash_of(changed("{}"));
    for (size_t i = 0; i < KT_ARRAY_LENGTH(patches); i++) {
        if (!kt_streq(hash_of(changed(patches[i])), base))
            fail_msg("another hash: %s", patches[i]);
    }
}

static void another_wish_has_another_hash(void **state KT_UNUSED)
{
    static const char *const patches[] = {
        "{\"resource\":{\"count\":2}}",
        "{\"resource\":{\"instanceType\":\"Standard_NC48ads_A100_v4\"}}",
        "{\"resource\":{\"labelSelector\":{\"matchLabels\":{\"x\":\"\"}}}}",
        "{\"tuning\":{\"method\":\"lora\"}}",
        "{\"tuning\":{\"config\":\"mine\"}}",
        "{\"tuning\":{\"input\":{\"urls\":[\"https://a.io/2.parquet\"]}}}",
        "{\"tuning\":{\"input\":{\"urls\":[\"https://a.io/2.parquet\",null]}}}",
        "{\"tuning\":{\"output\":{\"image\":\"r.io/other:1\"}}}",
        "{\"tuning\":null,\"inference\":{}}",
    };
    const char *hashes[KT_ARRAY_LENGTH(patches) + 1] = {hash_of(changed("{}"))};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(patches); i++) {
        hashes[i + 1] = hash_of(changed(patches[i]));
        for (size_t j = 0; j <= i; j++)
            assert_string_not_equal(hashes[i + 1], hashes[j]);
    }
}

static void the_order_of_members_does_not_count(void **state KT_UNUSED)
{
    assert_string_equal(hash_of(kt_test_json(&test.arena, "{\"resource\":{\"a\":1,\"b\":{\"c\":true,\"d\":\"x\"}}}")),
                        hash_of(kt_test_json(&test.arena, "{\"resource\":{\"b\":{\"d\":\"x\",\"c\":true},\"a\":1}}")));
    assert_string_not_equal(hash_of(kt_test_json(&test.arena, "{\"tuning\":{\"a\":[1,2]}}")),
                            hash_of(kt_test_json(&test.arena, "{\"tuning\":{\"a\":[2,1]}}")));
    assert_string_not_equal(hash_of(kt_test_json(&test.arena, "{\"tuning\":{\"a\":9007199254740993}}")),
                            hash_of(kt_test_json(&test.arena, "{\"tuning\":{\"a\":9007199254740992}}")));
}

/* The mutating webhook may have been away when the object came, and there when it came again. */
static void defaults_are_no_new_revision(void **state KT_UNUSED)
{
    cJSON *bare = changed("{\"resource\":{\"count\":null,\"labelSelector\":null},\"tuning\":{\"method\":null,"
                          "\"preset\":{\"accessMode\":null}}}");
    const char *before = hash_of(bare);
    kt_admission_case_judge(&test, bare, NULL);
    assert_true(test.defaulting.applied_count >= 4);
    assert_string_equal(hash_of(test.defaulting.mutated), before);
}

static void a_revision_keeps_what_was_asked(void **state KT_UNUSED)
{
    cJSON *object = changed("{\"metadata\":{\"name\":\"w\",\"namespace\":\"n\",\"uid\":\"u\"}}");
    const char *hash = hash_of(object);
    const cJSON *revision = kt_revision_build(&test.arena, object, hash, 3);
    assert_string_equal(kt_json_string(kt_json_path(revision, "metadata", "name", NULL)),
                        kt_arena_printf(&test.arena, "w-%.5s", hash));
    assert_string_equal(kt_json_string(kt_json_path(revision, "metadata", "namespace", NULL)), "n");
    assert_string_equal(kt_json_string(kt_json_path(revision, "metadata", "annotations", KT_ANNOTATION_HASH, NULL)),
                        hash);
    assert_string_equal(kt_json_string(kt_json_path(revision, "metadata", "labels", KT_LABEL_REVISION_OF, NULL)), "w");
    int64_t number = 0;
    assert_true(kt_json_int64(kt_json_get(revision, "revision"), &number) && number == 3);
    assert_true(kt_json_equal(kt_json_path(revision, "data", "tuning", NULL), kt_json_get(object, "tuning")));
    assert_true(kt_revision_matches(&test.arena, revision, object));
    assert_false(kt_revision_matches(&test.arena, revision, changed("{\"tuning\":{\"method\":\"lora\"}}")));
}

/* As upstream's operator writes it: with null for what is absent, {} for empty structs and its defaults filled in. */
static void a_revision_of_another_operator_is_known(void **state KT_UNUSED)
{
    cJSON *object = changed("{\"resource\":{\"count\":null}}");
    cJSON *data = kt_test_merge(&test.arena, object,
                                kt_test_json(&test.arena, "{\"metadata\":null,\"kind\":null,\"apiVersion\":null,"
                                                          "\"resource\":{\"count\":1},\"tuning\":{\"preset\":{"
                                                          "\"accessMode\":\"public\",\"presetOptions\":{}}}}"));
    kt_json_set(&test.arena, data, "inference", kt_json_new_null(&test.arena));
    cJSON *revision = kt_json_new_object(&test.arena);
    kt_json_set(&test.arena, revision, "data", data);
    assert_true(kt_revision_matches(&test.arena, revision, object));
    assert_false(kt_revision_matches(&test.arena, kt_json_new_object(&test.arena), object));
    assert_false(kt_revision_matches(&test.arena, NULL, object));
}

static void odd_objects_do_no_harm(void **state KT_UNUSED)
{
    static const char *const objects[] = {"{}", "[]",
                                          "{\"metadata\":3,\"resource\":\"x\",\"tuning\":[1],\"inference\":true}",
                                          ("{\"resource\":{\"count\":\"1\",\"labelSelector\":{\"matchLabels\":[]}},"
                                           "\"inference\":{\"adapters\":{\"a\":1}}}")};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(objects); i++) {
        cJSON *object = kt_test_json(&test.arena, objects[i]);
        assert_int_equal(strlen(hash_of(object)), 64);
        assert_non_null(kt_revision_build(&test.arena, object, hash_of(object), 1));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sha256_is_the_standard_s),
        TEST(the_same_wish_has_the_same_hash),
        TEST(another_wish_has_another_hash),
        TEST(the_order_of_members_does_not_count),
        TEST(defaults_are_no_new_revision),
        TEST(a_revision_keeps_what_was_asked),
        TEST(a_revision_of_another_operator_is_known),
        TEST(odd_objects_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
