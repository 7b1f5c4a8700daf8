/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/render.h"

#include <inttypes.h>

#include "admission/review.h"
#include "webhook/json_lines.h"
#include "workload/node_count.h"
#include "workload/render.h"

static void write_error(struct kt_strbuf *answer, const char *message)
{
    kt_strbuf_puts(answer, "{\"error\":");
    kt_json_write_string(answer, kt_str(message));
    kt_strbuf_putc(answer, '}');
}

static void refuse_line(struct kt_str beginning, const char *message, struct kt_strbuf *answer)
{
    (void)beginning;
    write_error(answer, message);
}

/* What can be told of one Workspace: the node count may be known when the objects are not. */
struct rendered {
    bool is_counted;
    int64_t node_count;
    cJSON *objects; /* NULL: see error */
    struct kt_error error;
};

static int render(struct kt_arena *arena, const cJSON *root, struct rendered *ret)
{
    struct kt_settings settings;
    struct kt_cluster_objects storage;
    cJSON *object = kt_json_get(root, "object");
    const struct kt_cluster cluster = kt_cluster_from_objects(arena, kt_json_get(root, "clusterObjects"), &storage);
    kt_settings_init(&settings);
    int code =
        kt_settings_from_json(&settings, kt_json_get(root, "featureGates"), kt_json_get(root, "settings"), &ret->error);
    if (code == 0 && !kt_json_is_object(object))
        code = kt_error_set(&ret->error, KT_EINVAL, "object must be a Workspace");
    code = code < 0 ? code : kt_node_count(arena, object, &settings, &cluster, &ret->node_count, &ret->error);
    ret->is_counted = code == 0;
    return code < 0 ? code : kt_workload_render(arena, object, &settings, &cluster, &ret->objects, NULL, &ret->error);
}

static void write_rendered(struct kt_strbuf *answer, const cJSON *id, const struct rendered *rendered)
{
    kt_strbuf_puts(answer, "{\"id\":");
    kt_json_write(answer, id, KT_JSON_COMPACT);
    if (rendered->is_counted)
        kt_strbuf_printf(answer, ",\"targetNodeCount\":%" PRId64, rendered->node_count);
    else
        kt_strbuf_puts(answer, ",\"targetNodeCount\":null");
    kt_strbuf_puts(answer, ",\"objects\":");
    if (rendered->objects) {
        kt_json_write(answer, rendered->objects, KT_JSON_COMPACT);
        kt_strbuf_puts(answer, ",\"error\":null}");
    } else {
        kt_strbuf_puts(answer, "[],\"error\":");
        kt_json_write_string(answer, kt_str(rendered->error.message));
        kt_strbuf_putc(answer, '}');
    }
}

static void answer_line(const void *context, struct kt_arena *arena, struct kt_str line, struct kt_strbuf *answer)
{
    (void)context;
    struct kt_json_parsed parsed = {0};
    struct rendered rendered = {0};
    if (kt_json_parse(arena, line, KT_JSON_DUPLICATES_LAST_WINS, &parsed, &rendered.error) < 0) {
        write_error(answer, rendered.error.message);
        return;
    }
    const cJSON *id = kt_json_get(parsed.root, "id");
    if (!kt_json_is_string(id) && !kt_json_is_number(id)) {
        write_error(answer, "the line has no id: it must be a JSON object with a string or a number under \"id\"");
        return;
    }
    if (render(arena, parsed.root, &rendered) < 0)
        rendered.objects = NULL;
    write_rendered(answer, id, &rendered);
}

int kt_webhook_render_main(FILE *in, FILE *out, FILE *err)
{
    const struct kt_json_lines lines = {.answer = answer_line, .refuse = refuse_line};
    struct kt_error error = {0};
    if (kt_json_lines_run(&lines, in, out, &error) < 0) {
        fprintf(err, "kaito-webhook: render: %s\n", error.message);
        return 1;
    }
    return 0;
}
