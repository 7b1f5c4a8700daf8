/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the rules of the ClusterRole in manifests/base/rbac.yaml: a rule for each kind that a Workspace is made of, by
 * its row, and those of the table below. Run by tests/lint/generated.sh.
 */
#include <stdio.h>
#include <string.h>

#include "workload/kinds.h"

#define WIDTH 120

static const struct {
    unsigned bit;
    const char *name;
} verbs[] = {
    {KT_VERB_GET, "get"},     {KT_VERB_LIST, "list"},     {KT_VERB_WATCH, "watch"},   {KT_VERB_CREATE, "create"},
    {KT_VERB_PATCH, "patch"}, {KT_VERB_UPDATE, "update"}, {KT_VERB_DELETE, "delete"},
};

struct right {
    const char *group, *resource; /* "workspaces/status" */
    unsigned verbs;
    const char *why;
};

/* What the server does with what is no part of a Workspace. */
static const struct right others[] = {
    {"kaito.sh", "workspaces/status", KT_VERB_PATCH, "Status is written apart from the rest of a Workspace."},
    {"kaito.sh", "workspaces/finalizers", KT_VERB_UPDATE,
     "Some clusters let only those set an owner reference who may change the owner's finalizers."},
    {"apps", "deployments", KT_VERB_LIST,
     "Is another operator of Workspaces here? Looked at once, at the start; so are the next two."},
    {"admissionregistration.k8s.io", "validatingwebhookconfigurations", KT_VERB_LIST, NULL},
    {"coordination.k8s.io", "leases", KT_VERB_LIST, NULL},
};

/* As a comment, cut at spaces. */
static void write_comment(const char *text)
{
    while (text && *text) {
        size_t length = strlen(text), room = WIDTH - strlen("# ");
        if (length > room)
            for (length = room; length > 0 && text[length] != ' '; length--)
                ;
        printf("# %.*s\n", (int)length, text);
        text += length + (text[length] == ' ');
    }
}

static void write_rule(const struct right *right)
{
    const char *separator = "";
    write_comment(right->why);
    printf("- apiGroups: [%s]\n  resources: [%s]\n  verbs: [", *right->group ? right->group : "\"\"", right->resource);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(verbs); i++) {
        if (!(right->verbs & verbs[i].bit))
            continue;
        printf("%s%s", separator, verbs[i].name);
        separator = ", ";
    }
    printf("]\n");
}

int main(void)
{
    for (enum kt_kind_id kind = 0; kind < KT_KIND_COUNT; kind++) {
        const struct kt_resource *resource = kt_kinds[kind].resource;
        const struct right right = {resource->group, resource->plural, kt_kinds[kind].verbs, kt_kinds[kind].why};
        write_rule(&right);
    }
    for (size_t i = 0; i < KT_ARRAY_LENGTH(others); i++)
        write_rule(&others[i]);
    return fflush(stdout) == 0 ? 0 : 1;
}
