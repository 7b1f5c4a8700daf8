/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/commands.h"
#include "plugin/connection.h"
#include "plugin/output.h"

#include "kube/api.h"

#ifndef KT_VERSION
#define KT_VERSION "unknown"
#endif

#define CRD_NAME "workspaces.kaito.sh"

struct version_options {
    bool client;        /* as kubectl's flag; it is what happens without --server */
    const char *server; /* NULL: not asked; "": that of the kubeconfig */
    const char *output;
};

#define AT(member) offsetof(struct version_options, member)
static const struct kt_flag flags[] = {
    {.name = "client",
     .kind = KT_FLAG_BOOL,
     .offset = AT(client),
     .shown = "true",
     .help = "Show the version of this program only; no server is asked."},
    {.name = "output",
     .letter = 'o',
     .kind = KT_FLAG_TEXT,
     .offset = AT(output),
     .value_name = "FORMAT",
     .shown = "''",
     .help = "Output format: json, yaml or jsonpath=TEMPLATE."},
    {.name = "server",
     .kind = KT_FLAG_TEXT,
     .offset = AT(server),
     .value_name = "URL",
     .shown = "''",
     .bare = "",
     .help = "Ask the server too: its version, and whether it knows Workspaces; --server=URL asks that server."},
};

static int ask_server_version(struct kt_connection *connection, cJSON *tree, struct kt_error *error)
{
    struct kt_arena *arena = connection->app->arena;
    const struct kt_request request = {.method = "GET", .path = "/version"};
    struct kt_reply reply;
    int code = kt_client_do(connection->client, arena, &request, &reply, error);
    if (code != 0)
        return code;
    kt_connection_warn(connection, &reply);
    kt_json_set_string(arena, tree, "serverVersion",
                       kt_json_string_or(kt_json_get(reply.object, "gitVersion"), "unknown"));
    return 0;
}

/* null when there is no such type; who may not read types still learns the rest. */
static int ask_types(struct kt_connection *connection, cJSON *tree, struct kt_error *error)
{
    struct kt_arena *arena = connection->app->arena;
    struct kt_reply reply;
    struct kt_error cause = {0};
    int code =
        kt_api_get(connection->client, arena, &kt_resource_custom_resource_definitions, NULL, CRD_NAME, &reply, &cause);
    cJSON *versions = kt_json_new_array(arena);
    const cJSON *version;
    if (code == KT_ENOTFOUND) {
        versions = kt_json_new_null(arena);
    } else if (code == KT_EFORBIDDEN) {
        kt_app_warn(connection->app, kt_str(cause.message));
        return 0;
    } else if (code != 0) {
        *error = cause;
        return code;
    }
    cJSON_ArrayForEach(version, kt_json_path(reply.object, "spec", "versions", NULL))
    {
        if (kt_json_true(kt_json_get(version, "served")))
            kt_json_append(arena, versions, kt_json_new_string(arena, kt_json_string(kt_json_get(version, "name"))));
    }
    kt_json_set(arena, tree, "workspaceVersions", versions);
    return 0;
}

static void add_types(struct kt_strbuf *text, const cJSON *versions)
{
    const cJSON *version;
    kt_strbuf_puts(text, "Workspaces:");
    if (kt_json_is_null(versions))
        kt_strbuf_puts(text, " not installed; `kubectl apply -k manifests/crd` adds the resource type");
    cJSON_ArrayForEach(version, versions) kt_strbuf_printf(text, " kaito.sh/%s", kt_json_string_or(version, "?"));
    kt_strbuf_putc(text, '\n');
}

static int run_version(struct kt_app *app, const void *values, struct kt_error *error)
{
    const struct version_options *options = values;
    struct kt_output_format format;
    int code = kt_output_parse_format(options->output, KT_FORMAT_TREES, &format, error);
    if (code != 0)
        return code;
    cJSON *tree = kt_json_new_object(app->arena);
    kt_json_set_string(app->arena, tree, "clientVersion", KT_VERSION);
    kt_json_set_string(app->arena, tree, "upstreamVersion", KT_UPSTREAM_VERSION);
    if (options->server) {
        KT_CLEANUP(kt_disconnect) struct kt_connection connection = {0};
        if (options->server[0])
            app->globals.server = options->server;
        code = kt_connect(app, &connection, error);
        if (code == 0)
            code = ask_server_version(&connection, tree, error);
        if (code == 0)
            code = ask_types(&connection, tree, error);
    }
    /* What is known is shown, whatever the server did. */
    if (format.format != KT_FORMAT_PLAIN) {
        struct kt_error write_error = {0};
        int write_code = kt_output_write_tree(app, &format, tree, &write_error);
        if (write_code != 0 && code == 0) {
            *error = write_error;
            code = write_code;
        }
        return code < 0 ? code : KT_EXIT_OK;
    }
    struct kt_strbuf text = kt_output_buffer(app);
    kt_strbuf_printf(&text, "kubectl-kaito: %s\nMade for Kaito: %s\n", KT_VERSION, KT_UPSTREAM_VERSION);
    const char *server = kt_json_string(kt_json_get(tree, "serverVersion"));
    if (server) {
        kt_strbuf_puts(&text, "Server: ");
        kt_output_escape(&text, kt_str(server));
        kt_strbuf_putc(&text, '\n');
    }
    const cJSON *versions = kt_json_get(tree, "workspaceVersions");
    if (versions)
        add_types(&text, versions);
    if (!options->server && !options->client)
        kt_strbuf_puts(&text, "Server: not asked; --server asks it\n");
    int write_code = kt_output_write(app, &text, code == 0 ? error : NULL);
    return code < 0 ? code : write_code < 0 ? write_code : KT_EXIT_OK;
}

const struct kt_command kt_command_version = {
    .name = "version",
    .group = KT_GROUP_OTHER,
    .summary = "Show this program's version, and with --server the server's",
    .usage = "[flags]",
    .examples = "kubectl kaito version\n"
                "kubectl kaito version --server -o json\n",
    .flags = flags,
    .flag_count = KT_ARRAY_LENGTH(flags),
    .options_size = sizeof(struct version_options),
    .run = run_version,
};
