/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/costly_review.h"

#include "base/limits.h"

#define TEXT_LIMIT_BYTES ((size_t)(64 * KT_MIB))
#define CONTROL "\\u0001"

/* Members that are added to a Workspace, as JSON; each ends with a comma. */
struct object {
    struct kt_strbuf root, metadata, resource, labels, tuning, inference;
    struct kt_strbuf urls; /* in place of a good one */
};

struct costly_parts {
    struct object now;
    struct object before;
    bool is_update;
    struct kt_strbuf config; /* of the ConfigMap "mine" */
    size_t nodes;            /* of the cluster: n0, n1, ...; more than none means that nodes are brought along */
    struct kt_strbuf raw;    /* a body in place of all */
};

/* --- config maps ---------------------------------------------------------------------------------------------------
 */

static void repeat(struct kt_strbuf *text, const char *piece, size_t items)
{
    for (size_t i = 0; i < items; i++)
        kt_strbuf_puts(text, piece);
}

static void write_keys(struct costly_parts *parts, size_t items, const char *beginning, int digits)
{
    kt_strbuf_puts(&parts->config, "training_config:\n  TrainingArguments:\n");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->config, "    %s%0*zx: 1\n", beginning, digits, i);
}

static void unknown_keys_short(struct costly_parts *parts, size_t items)
{
    write_keys(parts, items, "k", 1);
}

static void unknown_keys_long(struct costly_parts *parts, size_t items)
{
    write_keys(parts, items, "k", 127);
}

static void unknown_keys_like_known(struct costly_parts *parts, size_t items)
{
    write_keys(parts, items, "gradient_accumulation_step", 3);
}

static void unknown_keys_update(struct costly_parts *parts, size_t items)
{
    unknown_keys_like_known(parts, items);
    parts->is_update = true;
}

static void config_list(struct costly_parts *parts, size_t items, const char *item)
{
    kt_strbuf_puts(&parts->config, "training_config:\n  TrainingArguments: {}\n  LoraConfig:\n    target_modules: [");
    repeat(&parts->config, item, items);
    kt_strbuf_puts(&parts->config, "x]\n");
}

static void config_integers(struct costly_parts *parts, size_t items)
{
    config_list(parts, items, "1,");
}

static void config_fractions(struct costly_parts *parts, size_t items)
{
    config_list(parts, items, "1.7976931348623157e308,");
}

static void config_modules(struct costly_parts *parts, size_t items)
{
    config_list(parts, items, "qkv_projx,");
}

static void config_maps_in_list(struct costly_parts *parts, size_t items)
{
    config_list(parts, items, "a: b,");
}

/* A scheduler's arguments are JSON inside YAML, and several settings are looked for in one section. */
static void config_arguments(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->config, "training_config:\n  TrainingArguments:\n    save_strategy: best\n"
                                   "    lr_scheduler_type: cosine_warmup_with_min_lr\n    lr_scheduler_kwargs: '{");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->config, "\"%zx\":1,", i);
    kt_strbuf_puts(&parts->config, "\"z\":1}'\n");
}

static void config_layers(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->config, "training_config:\n  LoraConfig:\n    layers_to_transform: [");
    repeat(&parts->config, "99,", items);
    kt_strbuf_puts(&parts->config, "99]\n");
}

static void config_sections(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->config, "training_config:\n");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->config, "  s%zx: {a: 1}\n", i);
}

static void config_aliases(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->config, "training_config:\n");
    for (size_t i = 0; i < KT_LIMIT_YAML_ANCHORS - 1; i++)
        kt_strbuf_printf(&parts->config, "  a%zu: &a%zu 1\n", i, i);
    kt_strbuf_puts(&parts->config, "  l: [");
    repeat(&parts->config, "*a0,", items);
    kt_strbuf_puts(&parts->config, "1]\n");
}

static void config_merges(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->config, "training_config:\n  A: &a {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1}\n"
                                   "  B:\n    <<: [");
    repeat(&parts->config, "*a,", items);
    kt_strbuf_puts(&parts->config, "*a]\n");
}

static void config_duplicates(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->config, "training_config:\n  ");
    repeat(&parts->config, "x", 60000 / (items + 1));
    kt_strbuf_puts(&parts->config, ":\n");
    repeat(&parts->config, "    a: 1\n", items);
}

static void config_lines(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->config, "training_config:\n  a: x\n");
    repeat(&parts->config, "   y\n", items);
}

static void config_breaks(struct costly_parts *parts, size_t items)
{
    repeat(&parts->config, "\n", items);
}

static void config_too_large(struct costly_parts *parts, size_t items)
{
    write_keys(parts, items, "k", 127);
}

/* --- the Workspace: labels and annotations -------------------------------------------------------------------------
 */

static void annotations(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.metadata, "\"annotations\":{");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.metadata, "\"kaito.sh/bypass-resource-check%zu\":\"x\",", i);
    kt_strbuf_puts(&parts->now.metadata, "\"a\":\"b\"},");
}

static void labels_reordered(struct costly_parts *parts, size_t items)
{
    for (size_t i = 0; i < items; i++) {
        kt_strbuf_printf(&parts->now.labels, "\"k%zu\":\"v\",", i);
        kt_strbuf_printf(&parts->before.labels, "\"k%zu\":\"v\",", items - 1 - i);
    }
    parts->is_update = true;
}

/* Findings enough to fill the list, each at a field whose characters cannot be shown, in a map that is ordered anew. */
static void labels_bad_reordered(struct costly_parts *parts, size_t items)
{
    for (size_t i = 0; i < KT_LIMIT_FINDINGS; i++) {
        kt_strbuf_printf(&parts->now.labels, "\"" CONTROL "%zu\":\"v\",", i);
        kt_strbuf_printf(&parts->before.labels, "\"" CONTROL "%zu\":\"v\",", KT_LIMIT_FINDINGS - 1 - i);
    }
    labels_reordered(parts, items);
    kt_strbuf_puts(&parts->now.urls, "\"https://example.com/other.parquet\",");
}

static void labels_bad_brackets(struct costly_parts *parts, size_t items)
{
    for (size_t i = 0; i < KT_LIMIT_FINDINGS; i++) {
        kt_strbuf_printf(&parts->now.labels, "\"%zu", i);
        repeat(&parts->now.labels, "].", 400);
        kt_strbuf_puts(&parts->now.labels, "\":\"v\",");
    }
    labels_reordered(parts, items);
}

static void labels_bad_long(struct costly_parts *parts, size_t items)
{
    for (size_t i = 0; i < KT_LIMIT_FINDINGS; i++) {
        kt_strbuf_puts(&parts->now.labels, "\"");
        repeat(&parts->now.labels, "\xc3\xa9", items);
        kt_strbuf_printf(&parts->now.labels, "%zu\":\"%zu!\",", i, i);
    }
}

static void label_expressions(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.resource, "\"labelSelector\":{\"matchExpressions\":[");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.resource, "%s{\"key\":\"k%zu\",\"operator\":\"In\",\"values\":[\"v\"]}",
                         i > 0 ? "," : "", i);
    kt_strbuf_puts(&parts->now.resource, "]},");
    kt_strbuf_add_str(&parts->before.resource, kt_strbuf_view(&parts->now.resource));
    parts->is_update = true;
}

/* --- nodes -----------------------------------------------------------------------------------------------------------
 */

static void preferred_nodes(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.resource, "\"preferredNodes\":[");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.resource, "%s\"n%zu\"", i > 0 ? "," : "", i % 5000);
    kt_strbuf_puts(&parts->now.resource, "],");
    parts->nodes = 5000;
}

static void labels_of_nodes(struct costly_parts *parts, size_t items)
{
    for (size_t i = 0; i < 20; i++)
        kt_strbuf_printf(&parts->now.labels, "\"label%zu\":\"%s\",", i, i < 19 ? "v" : "w");
    for (size_t i = 20; i < items; i++)
        kt_strbuf_printf(&parts->now.labels, "\"label%zu\":\"v\",", i);
    parts->nodes = 5000;
}

/* --- data, adapters, templates -------------------------------------------------------------------------------------
 */

static void urls_refused(struct costly_parts *parts, size_t items)
{
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.urls, "\"ftp://10.0.0.1/%zu\",", i);
}

static void urls_taken(struct costly_parts *parts, size_t items)
{
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.urls, "\"https://example.com/%zu.parquet\",", i);
}

static void url_long(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.urls, "\"https://example.com/");
    repeat(&parts->now.urls, "yyyy.", items);
    kt_strbuf_puts(&parts->now.urls, "\",");
}

static void url_brackets(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.urls, "\"https://example.com/");
    repeat(&parts->now.urls, "<", items);
    kt_strbuf_puts(&parts->now.urls, "\",");
}

static void pull_secrets(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.tuning, "\"input\":{\"image\":\"registry.example.com/data:1\",\"imagePullSecrets\":[");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.tuning, "%s\"secret-%zu\"", i > 0 ? "," : "", i);
    kt_strbuf_puts(&parts->now.tuning, "]},");
}

static void volume_kinds(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.tuning, "\"input\":{\"volumeSource\":{");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.tuning, "%s\"k%zu\":{}", i > 0 ? "," : "", i);
    kt_strbuf_puts(&parts->now.tuning, "}},");
}

static void image_long(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.tuning, "\"input\":{\"image\":\"");
    repeat(&parts->now.tuning, "a/", items);
    kt_strbuf_puts(&parts->now.tuning, "b:1\"},");
}

static void adapters(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.inference, "\"preset\":{\"name\":\"phi-3-mini-128k-instruct\"},\"adapters\":[");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.inference,
                         "%s{\"source\":{\"name\":\"a%zu\",\"image\":\"registry.example.com/a:%zu\"}}",
                         i > 0 ? "," : "", i, i);
    kt_strbuf_puts(&parts->now.inference, "],");
    kt_strbuf_add_str(&parts->before.inference, kt_strbuf_view(&parts->now.inference));
    parts->is_update = true;
}

static void template_containers(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.inference, "\"template\":{\"spec\":{\"containers\":[");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.inference,
                         "%s{\"name\":\"c%zu\",\"image\":\"x\",\"terminationMessagePolicy\":\"File\",\"tty\":true,"
                         "\"env\":[{\"name\":\"A\",\"value\":\"x\"}]}",
                         i > 0 ? "," : "", i);
    kt_strbuf_puts(&parts->now.inference, "]}},");
}

static void template_unknown(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.inference, "\"template\":{\"spec\":{");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.inference, "%s\"terminationGracePeriodSecond%zu\":1", i > 0 ? "," : "", i);
    kt_strbuf_puts(&parts->now.inference, "}},");
}

static void template_quantities(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.inference, "\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{"
                                          "\"limits\":{");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.inference, "%s\"x%zu\":\"123456789012345678901234567890123456789Ei\"",
                         i > 0 ? "," : "", i);
    kt_strbuf_puts(&parts->now.inference, "}}}]}},");
}

/* --- fields that nobody has, and the JSON text itself --------------------------------------------------------------
 */

static void unknown_fields(struct costly_parts *parts, size_t items)
{
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.tuning, "\"imagePushSecretNumber%zu\":1,", i);
}

static void unknown_metadata(struct costly_parts *parts, size_t items)
{
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.metadata, "\"deletionGracePeriodSecond%zu\":1,", i);
}

static void managed_fields(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.metadata, "\"managedFields\":[");
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.metadata,
                         "%s{\"manager\":\"m%zu\",\"operation\":\"Update\",\"fieldsType\":\"FieldsV1\","
                         "\"time\":\"2026-01-31T12:00:00Z\",\"fieldsV1\":{\"f:a\":{}}}",
                         i > 0 ? "," : "", i);
    kt_strbuf_puts(&parts->now.metadata, "],");
}

static void repeated_fields(struct costly_parts *parts, size_t items)
{
    for (size_t i = 0; i < items; i++)
        kt_strbuf_printf(&parts->now.root, "\"u%zu\":{\"a\":1,\"a\":2},", i);
}

static void escapes(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.root, "\"status\":{\"x\":\"");
    repeat(&parts->now.root, "\\n\xc3\xa9", items);
    kt_strbuf_puts(&parts->now.root, "\"},");
}

static void plain_text(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.metadata, "\"annotations\":{\"a\":\"");
    repeat(&parts->now.metadata, "abcdefghijklmnop", items);
    kt_strbuf_puts(&parts->now.metadata, "\"},");
}

static void numbers(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->now.root, "\"status\":{\"x\":[");
    repeat(&parts->now.root, "2.2250738585072011e-308,", items);
    kt_strbuf_puts(&parts->now.root, "1]},");
}

static void spaces(struct costly_parts *parts, size_t items)
{
    repeat(&parts->now.root, "\t\n\r ", items);
}

static void broken_at_its_end(struct costly_parts *parts, size_t items)
{
    kt_strbuf_puts(&parts->raw, "{\"apiVersion\":\"admission.k8s.io/v1\",\"x\":\"");
    repeat(&parts->raw, "\\n\xc3\xa9", items);
    kt_strbuf_puts(&parts->raw, "\xff\"}");
}

/* The slowest first. */
const struct kt_costly_shape kt_costly_shapes[] = {
    {"unknown-keys-like-known", 1700, unknown_keys_like_known},
    {"unknown-keys-short", 4000, unknown_keys_short},
    {"unknown-keys-long", 470, unknown_keys_long},
    {"unknown-keys-update", 1700, unknown_keys_update},
    {"labels-bad-reordered", 9500, labels_bad_reordered},
    {"labels-reordered", 9500, labels_reordered},
    {"labels-bad-brackets", 9000, labels_bad_brackets},
    {"labels-bad-long", 400, labels_bad_long},
    {"label-expressions", 1900, label_expressions},
    {"config-fractions", 2800, config_fractions},
    {"config-integers", 18000, config_integers},
    {"config-modules", 6500, config_modules},
    {"config-maps-in-list", 5000, config_maps_in_list},
    {"config-arguments", 7000, config_arguments},
    {"config-layers", 20000, config_layers},
    {"config-sections", 4000, config_sections},
    {"config-aliases", 4000, config_aliases},
    {"config-merges", 1100, config_merges},
    {"config-duplicates", 250, config_duplicates},
    {"config-lines", 13000, config_lines},
    {"config-breaks", 65000, config_breaks},
    {"config-too-large", 7400, config_too_large},
    {"nodes-preferred", 19500, preferred_nodes},
    {"nodes-labels", 1000, labels_of_nodes},
    {"annotations", 19500, annotations},
    {"urls-refused", 19500, urls_refused},
    {"urls-taken", 19500, urls_taken},
    {"url-long", 100000, url_long},
    {"url-brackets", 500000, url_brackets},
    {"pull-secrets", 19500, pull_secrets},
    {"volume-kinds", 19500, volume_kinds},
    {"image-long", 1500000, image_long},
    {"adapters", 2400, adapters},
    {"template-containers", 2200, template_containers},
    {"template-unknown", 19500, template_unknown},
    {"template-quantities", 19500, template_quantities},
    {"unknown-fields", 19500, unknown_fields},
    {"unknown-metadata", 19500, unknown_metadata},
    {"managed-fields", 2700, managed_fields},
    {"repeated-fields", 4900, repeated_fields},
    {"escapes", 600000, escapes},
    {"plain-text", 190000, plain_text},
    {"numbers", 9000, numbers},
    {"spaces", 1000000, spaces},
    {"broken-at-its-end", 1000000, broken_at_its_end},
};
const size_t kt_costly_shape_count = KT_ARRAY_LENGTH(kt_costly_shapes);

/* --- putting it together ---------------------------------------------------------------------------------------------
 */

static void init_object(struct object *object, struct kt_arena *arena)
{
    struct kt_strbuf *const parts[] = {&object->root,   &object->metadata,  &object->resource, &object->labels,
                                       &object->tuning, &object->inference, &object->urls};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(parts); i++)
        kt_strbuf_init(parts[i], arena, TEXT_LIMIT_BYTES);
}

/* A tuning that is fine, but for what the shape has put into it: what comes later of one name counts. */
static void write_object(struct kt_strbuf *body, const struct object *object)
{
    kt_strbuf_puts(body, "{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":\"Workspace\",");
    kt_strbuf_add_str(body, kt_strbuf_view(&object->root));
    kt_strbuf_puts(body, "\"metadata\":{");
    kt_strbuf_add_str(body, kt_strbuf_view(&object->metadata));
    kt_strbuf_puts(body, "\"name\":\"w\",\"namespace\":\"default\"},\"resource\":{");
    if (object->resource.length == 0 || object->labels.length > 0) {
        kt_strbuf_puts(body, "\"labelSelector\":{\"matchLabels\":{");
        kt_strbuf_add_str(body, kt_strbuf_view(&object->labels));
        kt_strbuf_puts(body, "\"app\":\"tune\"}},");
    }
    kt_strbuf_add_str(body, kt_strbuf_view(&object->resource));
    kt_strbuf_puts(body, "\"instanceType\":\"Standard_NC24ads_A100_v4\",\"count\":1},");
    if (object->inference.length > 0) {
        kt_strbuf_puts(body, "\"inference\":{");
        kt_strbuf_add_str(body, kt_strbuf_view(&object->inference));
        kt_strbuf_puts(body, "\"config\":\"mine\"}}");
        return;
    }
    kt_strbuf_puts(body, "\"tuning\":{\"input\":{\"urls\":[");
    kt_strbuf_add_str(body, kt_strbuf_view(&object->urls));
    kt_strbuf_puts(body, "\"https://example.com/data.parquet\"]},");
    kt_strbuf_add_str(body, kt_strbuf_view(&object->tuning));
    kt_strbuf_puts(body, "\"preset\":{\"name\":\"phi-3-mini-128k-instruct\"},\"method\":\"qlora\",\"config\":\"mine\","
                         "\"output\":{\"image\":\"registry.example.com/a:1\",\"imagePushSecret\":\"push\"}}}");
}

static void write_body(struct kt_strbuf *body, const struct costly_parts *parts)
{
    if (parts->raw.length > 0) {
        kt_strbuf_add_str(body, kt_strbuf_view(&parts->raw));
        return;
    }
    kt_strbuf_printf(body,
                     "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"1\","
                     "\"operation\":\"%s\",\"namespace\":\"default\",\"name\":\"w\",\"object\":",
                     parts->is_update ? "UPDATE" : "CREATE");
    write_object(body, &parts->now);
    if (parts->is_update) {
        kt_strbuf_puts(body, ",\"oldObject\":");
        write_object(body, &parts->before);
    }
    kt_strbuf_puts(body, "}}");
}

static void add_node(struct kt_arena *arena, cJSON *objects, size_t number)
{
    cJSON *node = kt_json_new_object(arena);
    kt_json_append(arena, objects, node);
    kt_json_set_string(arena, node, "kind", "Node");
    cJSON *metadata = kt_json_ensure_object(arena, node, "metadata");
    kt_json_set_string(arena, metadata, "name", kt_arena_printf(arena, "n%zu", number));
    cJSON *labels = kt_json_ensure_object(arena, metadata, "labels");
    for (size_t i = 0; i < 20; i++)
        kt_json_set_string(arena, labels, kt_arena_printf(arena, "label%zu", i), "v");
}

static cJSON *cluster_objects(struct kt_arena *arena, const struct costly_parts *parts)
{
    cJSON *objects = kt_json_new_array(arena);
    cJSON *map = kt_json_new_object(arena);
    kt_json_append(arena, objects, map);
    kt_json_set_string(arena, map, "kind", "ConfigMap");
    kt_json_set_string(arena, kt_json_ensure_object(arena, map, "metadata"), "name", "mine");
    cJSON *data = kt_json_ensure_object(arena, map, "data");
    struct kt_str text = kt_strbuf_view(&parts->config);
    if (text.length == 0)
        text = KT_STR("training_config:\n  QuantizationConfig:\n    load_in_4bit: true\n"
                      "  TrainingArguments:\n    output_dir: /mnt/results\n  DataCollator:\n    mlm: true\n");
    kt_json_set(arena, data, "training_config.yaml", kt_json_new_string_n(arena, text));
    kt_json_set(arena, data, "inference_config.yaml", kt_json_new_string_n(arena, text));
    for (size_t i = 0; i < parts->nodes; i++)
        add_node(arena, objects, i);
    return objects;
}

bool kt_costly_review_make(const struct kt_costly_shape *shape, size_t items, struct kt_costly_review *ret)
{
    struct costly_parts parts = {.is_update = false};
    struct kt_strbuf body;
    kt_arena_init(&ret->arena, (size_t)(512 * KT_MIB));
    init_object(&parts.now, &ret->arena);
    init_object(&parts.before, &ret->arena);
    kt_strbuf_init(&parts.config, &ret->arena, TEXT_LIMIT_BYTES);
    kt_strbuf_init(&parts.raw, &ret->arena, TEXT_LIMIT_BYTES);
    kt_strbuf_init(&body, &ret->arena, TEXT_LIMIT_BYTES);
    shape->write(&parts, items);
    write_body(&body, &parts);
    ret->body = kt_strbuf_view(&body);
    kt_settings_init(&ret->settings);
    ret->settings.gates[KT_GATE_DISABLE_NODE_AUTO_PROVISIONING] = parts.nodes > 0;
    ret->cluster = kt_cluster_from_objects(&ret->arena, cluster_objects(&ret->arena, &parts), &ret->storage);
    return !body.failed && !ret->arena.failed;
}

void kt_costly_review_release(struct kt_costly_review *review)
{
    kt_arena_release(&review->arena);
}
