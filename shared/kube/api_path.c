/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/api_path.h"

#include <string.h>

#include "base/limits.h"

const struct kt_resource kt_resource_config_maps = {"", "v1", "configmaps", "ConfigMap", false};
const struct kt_resource kt_resource_secrets = {"", "v1", "secrets", "Secret", false};
const struct kt_resource kt_resource_nodes = {"", "v1", "nodes", "Node", true};
const struct kt_resource kt_resource_namespaces = {"", "v1", "namespaces", "Namespace", true};
const struct kt_resource kt_resource_workspaces = {"kaito.sh", "v1beta1", "workspaces", "Workspace", false};
const struct kt_resource kt_resource_workspaces_alpha = {"kaito.sh", "v1alpha1", "workspaces", "Workspace", false};
const struct kt_resource kt_resource_pods = {"", "v1", "pods", "Pod", false};
const struct kt_resource kt_resource_events = {"", "v1", "events", "Event", false};
const struct kt_resource kt_resource_jobs = {"batch", "v1", "jobs", "Job", false};
const struct kt_resource kt_resource_controller_revisions = {"apps", "v1", "controllerrevisions", "ControllerRevision",
                                                             false};
const struct kt_resource kt_resource_deployments = {"apps", "v1", "deployments", "Deployment", false};
const struct kt_resource kt_resource_leases = {"coordination.k8s.io", "v1", "leases", "Lease", false};
const struct kt_resource kt_resource_node_claims = {"karpenter.sh", "v1", "nodeclaims", "NodeClaim", true};
const struct kt_resource kt_resource_validating_webhook_configurations = {
    "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", true};
const struct kt_resource kt_resource_custom_resource_definitions = {
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", true};

static bool is_unreserved(char byte)
{
    return kt_ascii_is_alnum(byte) || (byte != '\0' && strchr("-._~", byte));
}

static void add_escaped_byte(struct kt_strbuf *buffer, char byte)
{
    kt_strbuf_printf(buffer, "%%%02X", (unsigned)(unsigned char)byte);
}

void kt_url_escape(struct kt_strbuf *buffer, struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (is_unreserved(text.data[i]))
            kt_strbuf_putc(buffer, text.data[i]);
        else
            add_escaped_byte(buffer, text.data[i]);
    }
}

static void add_segment(struct kt_strbuf *path, const char *segment)
{
    kt_strbuf_putc(path, '/');
    if (kt_streq(segment, ".") || kt_streq(segment, "..")) {
        for (const char *byte = segment; *byte; byte++)
            add_escaped_byte(path, *byte);
        return;
    }
    kt_url_escape(path, kt_str(segment));
}

static bool is_given(const char *text)
{
    return text && *text;
}

const char *kt_api_path(struct kt_arena *arena, const struct kt_resource *resource, const char *namespace_,
                        const char *name, const char *subresource)
{
    struct kt_strbuf path;
    kt_strbuf_init(&path, arena, KT_LIMIT_API_URL_BYTES);
    kt_strbuf_puts(&path, is_given(resource->group) ? "/apis" : "/api");
    if (is_given(resource->group))
        add_segment(&path, resource->group);
    add_segment(&path, resource->version);
    if (!resource->cluster_scoped && is_given(namespace_)) {
        add_segment(&path, "namespaces");
        add_segment(&path, namespace_);
    }
    add_segment(&path, resource->plural);
    if (is_given(name)) {
        add_segment(&path, name);
        if (is_given(subresource))
            add_segment(&path, subresource);
    }
    return path.failed ? NULL : path.data;
}
