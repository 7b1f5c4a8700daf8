/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON-line form of a review: the same judging as a server's, without one. */
#include "admission/review.h"

#include "admission/review_request.h"
#include "admission/warnings.h"
#include "workspace/schema.h"

struct line {
    const cJSON *id;
    struct kt_settings settings;
    struct kt_cluster cluster;
    struct kt_cluster_objects storage;
    struct kt_review_request request;
    struct kt_warnings warnings;
    struct kt_findings findings;
    const cJSON *patch;   /* NULL: none */
    const cJSON *mutated; /* NULL: no object */
};

/* --- writing -------------------------------------------------------------------------------------------------------
 */

static void write_line(struct kt_strbuf *answer, const struct line *line)
{
    bool allowed = !kt_findings_has_error(&line->findings);
    kt_strbuf_puts(answer, "{\"id\":");
    kt_json_write(answer, line->id, KT_JSON_COMPACT);
    kt_strbuf_printf(answer, ",\"allowed\":%s,\"findings\":", allowed ? "true" : "false");
    kt_findings_write_json(answer, &line->findings);
    kt_strbuf_puts(answer, ",\"warnings\":");
    kt_warnings_write_json(answer, &line->warnings);
    kt_strbuf_puts(answer, ",\"patch\":");
    if (line->patch) {
        kt_json_write(answer, line->patch, KT_JSON_COMPACT);
    } else {
        kt_strbuf_puts(answer, "[]");
    }
    kt_strbuf_puts(answer, ",\"mutated\":");
    if (line->mutated) {
        kt_json_write(answer, line->mutated, KT_JSON_COMPACT);
    } else {
        kt_strbuf_puts(answer, "null");
    }
    kt_strbuf_putc(answer, '}');
}

static void write_error(struct kt_strbuf *answer, const char *message)
{
    kt_strbuf_puts(answer, "{\"error\":");
    kt_json_write_string(answer, kt_str(message));
    kt_strbuf_putc(answer, '}');
}

/* Needs no memory but the answer's: used when the arena is exhausted, too. */
static void write_undecodable(struct kt_strbuf *answer, struct kt_str id, const char *message)
{
    kt_strbuf_puts(answer, "{\"id\":");
    kt_strbuf_add_str(answer, id);
    kt_strbuf_puts(answer, ",\"allowed\":false,\"findings\":[{\"rule\":\"DECODE\",\"severity\":\"error\",\"origin\":"
                           "\"upstream\",\"relaxed\":false,\"field\":\"\",\"message\":");
    kt_json_write_string(answer, kt_str(message));
    kt_strbuf_puts(answer, "}],\"warnings\":[],\"patch\":[],\"mutated\":null}");
}

void kt_review_line_unreadable(struct kt_str beginning, const char *message, struct kt_strbuf *answer)
{
    struct kt_str id;
    if (kt_review_find_token(beginning, NULL, "id", &id)) {
        write_undecodable(answer, id, message);
    } else {
        write_error(answer, message);
    }
}

/* --- judging -------------------------------------------------------------------------------------------------------
 */

static int read_surroundings(struct kt_arena *arena, const cJSON *root, const struct kt_review_line_options *options,
                             struct line *line, struct kt_error *error)
{
    const cJSON *objects = kt_json_get(root, "clusterObjects");
    line->settings = options->settings;
    int code =
        kt_settings_from_json(&line->settings, kt_json_get(root, "featureGates"), kt_json_get(root, "settings"), error);
    if (code == 0 && objects && !kt_json_is_array(objects) && !kt_json_is_null(objects)) {
        code = kt_error_set(error, KT_EINVAL, "clusterObjects must be an array");
    }
    if (code == 0 && !kt_json_is_object(kt_json_get(root, "request"))) {
        code = kt_error_set(error, KT_EINVAL, "request must be an object: an AdmissionRequest");
    }
    line->cluster =
        kt_json_is_array(objects) ? kt_cluster_from_objects(arena, objects, &line->storage) : kt_cluster_unknown;
    return code;
}

static int judge(struct kt_arena *arena, const struct kt_review_line_options *options, struct line *line,
                 struct kt_error *error)
{
    const struct kt_schema *schema = kt_schema_workspace(error);
    struct kt_defaulting defaulting = {0};
    const struct kt_admission_request request = {
        .operation = line->request.operation,
        .namespace_ = line->request.namespace_,
        .name = line->request.name,
        .object = line->request.object,
        .old_object = line->request.old_object,
        .settings = &line->settings,
        .cluster = &line->cluster,
        .check_schema = options->schema,
    };
    if (!schema) {
        return KT_ENOMEM;
    }
    if (!request.operation) {
        return kt_error_set(error, KT_EINVAL, "request.operation must be CREATE, UPDATE, DELETE or CONNECT");
    }
    kt_warnings_add_unknown(&line->warnings, kt_schema_unknown_fields(arena, schema, request.object));
    int code = kt_admission_judge(arena, &request, &defaulting, &line->findings, error);
    if (code == 0) {
        line->patch = defaulting.patch;
        line->mutated = defaulting.mutated;
        kt_warnings_add_findings(&line->warnings, &line->findings);
    }
    return code;
}

/* Counts on from `nodes`, and no further than the limit. */
static size_t count_nodes(const cJSON *node, size_t nodes)
{
    nodes++;
    for (const cJSON *child = node->child; child && nodes <= KT_LIMIT_REVIEW_NODES; child = child->next) {
        nodes = count_nodes(child, nodes);
    }
    return nodes;
}

/* The objects of the cluster may be larger, but those that are judged are held to what a server takes. */
static int check_size(const struct kt_review_request *request, struct kt_error *error)
{
    size_t nodes = request->object ? count_nodes(request->object, 0) : 0;
    nodes = request->old_object ? count_nodes(request->old_object, nodes) : nodes;
    return nodes > KT_LIMIT_REVIEW_NODES
               ? kt_error_set(error, KT_ELIMIT, "the request has more values than the limit of %d",
                              KT_LIMIT_REVIEW_NODES)
               : 0;
}

static bool is_readable_id(const cJSON *id)
{
    return kt_json_is_string(id) || kt_json_is_number(id);
}

void kt_review_line(struct kt_arena *arena, struct kt_str text, const struct kt_review_line_options *options,
                    struct kt_strbuf *answer)
{
    struct kt_json_parsed parsed = {0};
    struct kt_error error = {0};
    struct line line = {0};
    kt_arena_limit_work(arena, KT_LIMIT_REVIEW_WORK);
    if (kt_json_parse(arena, text, KT_JSON_DUPLICATES_LAST_WINS, &parsed, &error) < 0) {
        kt_review_line_unreadable(text, error.message, answer);
        return;
    }
    line.id = kt_json_get(parsed.root, "id");
    if (!is_readable_id(line.id)) {
        write_error(answer, "the line has no id: it must be a JSON object with a string or a number under \"id\"");
        return;
    }
    kt_findings_init(&line.findings, arena);
    kt_warnings_init(&line.warnings, arena);
    int code = read_surroundings(arena, parsed.root, options, &line, &error);
    if (code == 0) {
        kt_review_request_read(kt_json_get(parsed.root, "request"), &line.request);
        line.mutated = line.request.object;
        code = check_size(&line.request, &error);
    }
    if (code == 0 && kt_review_request_is_judged(&line.request)) {
        kt_warnings_add_duplicates(&line.warnings, parsed.duplicates, "request.object");
        code = judge(arena, options, &line, &error);
    }
    if (code < 0) {
        kt_review_line_unreadable(text, error.message, answer);
        return;
    }
    write_line(answer, &line);
}
