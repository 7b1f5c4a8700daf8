/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/store_trim.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "workload/names.h"

/* --- what is kept --------------------------------------------------------------------------------------------------
 * Members not named are left out. A field without fields inside is kept whole; the fields inside an array are those of
 * each of its items. A table ends with an empty row.
 */

enum how {
    KEEP,
    KEEP_CUT,       /* cut at KT_STORE_TEXT_BYTES */
    DROP,           /* only in a table that ends with OTHERS */
    OTHERS,         /* every member not named before */
    OTHERS_GPU,     /* every member with "gpu" in its name */
    ITEMS_OF_READY, /* of an array those items whose type is "Ready" */
};

struct field {
    const char *key;
    const struct field *inside;
    enum how how;
};

static const struct field all_but_last_applied[] = {
    {"kubectl.kubernetes.io/last-applied-configuration", NULL, DROP}, {"", NULL, OTHERS}, {0}};
static const struct field gpu_amounts[] = {{"", NULL, OTHERS_GPU}, {0}};
static const struct field names[] = {{.key = "name"}, {0}};
static const struct field owners[] = {{.key = "apiVersion"}, {.key = "kind"},       {.key = "name"},
                                      {.key = "uid"},        {.key = "controller"}, {0}};
static const struct field conditions[] = {{.key = "type"},
                                          {.key = "status"},
                                          {.key = "reason"},
                                          {.key = "message", .how = KEEP_CUT},
                                          {.key = "lastTransitionTime"},
                                          {0}};

static const struct field workspace_metadata[] = {{.key = "name"},
                                                  {.key = "namespace"},
                                                  {.key = "uid"},
                                                  {.key = "resourceVersion"},
                                                  {.key = "generation"},
                                                  {.key = "creationTimestamp"},
                                                  {.key = "deletionTimestamp"},
                                                  {.key = "finalizers"},
                                                  {.key = "labels"},
                                                  {.key = "annotations", .inside = all_but_last_applied},
                                                  {0}};
static const struct field workspace_fields[] = {{.key = "apiVersion"},
                                                {.key = "kind"},
                                                {.key = "metadata", .inside = workspace_metadata},
                                                {.key = "resource"},
                                                {.key = "tuning"},
                                                {.key = "inference"},
                                                {.key = "status"},
                                                {0}};

static const struct field node_claim_metadata[] = {{.key = "name"},
                                                   {.key = "uid"},
                                                   {.key = "resourceVersion"},
                                                   {.key = "creationTimestamp"},
                                                   {.key = "deletionTimestamp"},
                                                   {.key = "labels"},
                                                   {.key = "finalizers"},
                                                   {0}};
static const struct field node_claim_status[] = {
    {.key = "conditions", .inside = conditions}, {.key = "nodeName"}, {.key = "providerID"}, {0}};
static const struct field node_claim_fields[] = {
    {.key = "metadata", .inside = node_claim_metadata}, {.key = "status", .inside = node_claim_status}, {0}};

static const struct field node_metadata[] = {{.key = "name"},
                                             {.key = "uid"},
                                             {.key = "resourceVersion"},
                                             {.key = "creationTimestamp"},
                                             {.key = "deletionTimestamp"},
                                             {.key = "labels"},
                                             {0}};
static const struct field node_spec[] = {{.key = "unschedulable"}, {0}};
/* Heartbeats change lastHeartbeatTime only, which is not kept. */
static const struct field node_status[] = {{.key = "conditions", .inside = conditions, .how = ITEMS_OF_READY},
                                           {.key = "capacity", .inside = gpu_amounts},
                                           {.key = "allocatable", .inside = gpu_amounts},
                                           {0}};
static const struct field node_fields[] = {{.key = "metadata", .inside = node_metadata},
                                           {.key = "spec", .inside = node_spec},
                                           {.key = "status", .inside = node_status},
                                           {0}};

static const struct field child_metadata[] = {{.key = "name"},
                                              {.key = "namespace"},
                                              {.key = "uid"},
                                              {.key = "resourceVersion"},
                                              {.key = "creationTimestamp"},
                                              {.key = "deletionTimestamp"},
                                              {.key = "labels"},
                                              {.key = "annotations", .inside = all_but_last_applied},
                                              {.key = "ownerReferences", .inside = owners},
                                              {.key = "finalizers"},
                                              {0}};
static const struct field job_spec[] = {{.key = "suspend"}, {.key = "backoffLimit"}, {0}};
static const struct field job_status[] = {{.key = "conditions", .inside = conditions},
                                          {.key = "active"},
                                          {.key = "ready"},
                                          {.key = "succeeded"},
                                          {.key = "failed"},
                                          {.key = "terminating"},
                                          {.key = "startTime"},
                                          {.key = "completionTime"},
                                          {0}};
static const struct field job_fields[] = {{.key = "metadata", .inside = child_metadata},
                                          {.key = "spec", .inside = job_spec},
                                          {.key = "status", .inside = job_status},
                                          {0}};

static const struct field pod_metadata[] = {{.key = "name"},
                                            {.key = "namespace"},
                                            {.key = "uid"},
                                            {.key = "resourceVersion"},
                                            {.key = "creationTimestamp"},
                                            {.key = "deletionTimestamp"},
                                            {.key = "labels"},
                                            {.key = "ownerReferences", .inside = owners},
                                            {0}};
static const struct field pod_spec[] = {
    {.key = "nodeName"}, {.key = "containers", .inside = names}, {.key = "initContainers", .inside = names}, {0}};
static const struct field container_end[] = {{.key = "exitCode"},
                                             {.key = "signal"},
                                             {.key = "reason"},
                                             {.key = "message", .how = KEEP_CUT},
                                             {.key = "startedAt"},
                                             {.key = "finishedAt"},
                                             {0}};
static const struct field container_wait[] = {{.key = "reason"}, {.key = "message", .how = KEEP_CUT}, {0}};
static const struct field container_state[] = {{.key = "waiting", .inside = container_wait},
                                               {.key = "running"},
                                               {.key = "terminated", .inside = container_end},
                                               {0}};
static const struct field container_status[] = {{.key = "name"},
                                                {.key = "state", .inside = container_state},
                                                {.key = "lastState", .inside = container_state},
                                                {.key = "restartCount"},
                                                {.key = "ready"},
                                                {.key = "started"},
                                                {0}};
static const struct field pod_status[] = {{.key = "phase"},
                                          {.key = "reason"},
                                          {.key = "message", .how = KEEP_CUT},
                                          {.key = "conditions", .inside = conditions},
                                          {.key = "initContainerStatuses", .inside = container_status},
                                          {.key = "containerStatuses", .inside = container_status},
                                          {0}};
static const struct field pod_fields[] = {{.key = "metadata", .inside = pod_metadata},
                                          {.key = "spec", .inside = pod_spec},
                                          {.key = "status", .inside = pod_status},
                                          {0}};

static const struct field config_map_metadata[] = {{.key = "name"},
                                                   {.key = "namespace"},
                                                   {.key = "uid"},
                                                   {.key = "resourceVersion"},
                                                   {.key = "deletionTimestamp"},
                                                   {.key = "labels"},
                                                   {0}};
/* All of its data, because kt_config_map_hash covers all. */
static const struct field config_map_fields[] = {
    {.key = "metadata", .inside = config_map_metadata}, {.key = "data"}, {.key = "binaryData"}, {0}};

static const struct field *const kinds[KT_STORED_KINDS] = {
    [KT_STORED_WORKSPACES] = workspace_fields,
    [KT_STORED_NODE_CLAIMS] = node_claim_fields,
    [KT_STORED_NODES] = node_fields,
    [KT_STORED_JOBS] = job_fields,
    [KT_STORED_PODS] = pod_fields,
    [KT_STORED_CONFIG_MAPS] = config_map_fields,
};

/* --- texts that nearly every object has, kept once for all -----------------------------------------------------------
 */

/* In the order of strcmp. */
static const char *const common_texts[] = {
    "",
    "ContainersReady",
    "False",
    "Initialized",
    "JobStarted",
    "NodeClaimReady",
    "NodesReady",
    "PodReadyToStartContainers",
    "PodScheduled",
    "Ready",
    "ResourceReady",
    "True",
    "Unknown",
    "Workspace",
    "WorkspaceReady",
    "WorkspaceSucceeded",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "conditions",
    "count",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "image",
    "imagePushSecret",
    "input",
    "instanceType",
    "kaito.sh/v1beta1",
    "kaito.sh/workspace",
    "kaito.sh/workspacenamespace",
    "karpenter.sh/capacity-type",
    "karpenter.sh/nodepool",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "labelSelector",
    "lastTransitionTime",
    "matchLabels",
    "message",
    "method",
    "name",
    "node.kubernetes.io/instance-type",
    "nvidia.com/gpu",
    "observedGeneration",
    "output",
    "preset",
    "reason",
    "state",
    "status",
    "targetNodeCount",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "training_config.yaml",
    "type",
    "urls",
    "workerNodes",
    "workspace.finalizer.kaito.sh",
    "workspace.kaito.io/hash",
    "workspace.kaito.io/name",
    "workspace.kaito.io/node-claims",
    "workspace.kaito.io/revision",
};

static int compare_text(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

static const char *common_text(const char *text)
{
    const char *const *found =
        bsearch(text, common_texts, KT_ARRAY_LENGTH(common_texts), sizeof(common_texts[0]), compare_text);
    return found ? *found : NULL;
}

/* --- copying ---------------------------------------------------------------------------------------------------------
 * Twice the same walk: the first time to count, the second to write.
 */

struct walk {
    size_t nodes, text_bytes; /* counted */
    cJSON *next_node;         /* NULL: only counting */
    char *next_text;
};

static const struct field whole; /* kept whole: nothing inside is named */

/* Cut at a character's boundary. */
static size_t text_length(const char *text, enum how how)
{
    size_t length = strlen(text);
    if (how != KEEP_CUT || length <= KT_STORE_TEXT_BYTES)
        return length;
    length = KT_STORE_TEXT_BYTES;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

/* cJSON's nodes have no const texts; nothing writes to these. */
static char *shared_text(const char *text)
{
    union {
        const char *in;
        char *out;
    } both = {.in = text};
    return both.out;
}

static char *walk_text(struct walk *walk, const char *text, enum how how)
{
    if (!text)
        return NULL;
    const char *common = common_text(text);
    if (common)
        return shared_text(common);
    size_t length = text_length(text, how);
    walk->text_bytes += length + 1;
    if (!walk->next_node)
        return NULL;
    char *copy = walk->next_text;
    memcpy(copy, text, length);
    copy[length] = '\0';
    walk->next_text += length + 1;
    return copy;
}

/* The row for a member, or NULL when it is not kept. */
static const struct field *row_for(const struct field *fields, const char *key)
{
    for (const struct field *field = fields; field->key; field++) {
        if (field->how == OTHERS)
            return &whole;
        if (field->how == OTHERS_GPU)
            return key && strstr(key, "gpu") ? &whole : NULL;
        if (key && strcmp(field->key, key) == 0)
            return field->how == DROP ? NULL : field;
    }
    return NULL;
}

static bool is_ready_condition(const cJSON *item)
{
    return kt_streq(kt_json_string_or(kt_json_get(item, "type"), ""), "Ready");
}

static bool walk_node(struct walk *walk, const cJSON *node, const struct field *field, size_t depth, cJSON **ret);

/* What becomes of a child; NULL: left out. */
static const struct field *row_of_child(const cJSON *parent, const struct field *field, const cJSON *child)
{
    if (kt_json_is_array(parent)) {
        if (field->how == ITEMS_OF_READY && !is_ready_condition(child))
            return NULL;
        return field;
    }
    return field->inside ? row_for(field->inside, child->string) : &whole;
}

static bool walk_children(struct walk *walk, const cJSON *node, const struct field *field, size_t depth, cJSON *copy)
{
    cJSON *last = NULL;
    const cJSON *child;
    cJSON_ArrayForEach(child, node)
    {
        const struct field *row = row_of_child(node, field, child);
        cJSON *made;
        if (!row)
            continue;
        if (!walk_node(walk, child, row, depth, &made))
            return false;
        if (!copy)
            continue;
        made->prev = last;
        *(last ? &last->next : &copy->child) = made;
        last = made;
    }
    if (last)
        copy->child->prev = last; /* as cJSON has it: the first child's prev is the last one */
    return true;
}

static bool walk_node(struct walk *walk, const cJSON *node, const struct field *field, size_t depth, cJSON **ret)
{
    if (depth == 0)
        return false;
    walk->nodes++;
    cJSON *copy = walk->next_node ? walk->next_node++ : NULL;
    char *key = walk_text(walk, node->string, KEEP), *text = walk_text(walk, node->valuestring, field->how);
    if (copy)
        *copy = (cJSON){.type = node->type & ~(cJSON_IsReference | cJSON_StringIsConst),
                        .valueint = node->valueint,
                        .valuedouble = node->valuedouble,
                        .string = key,
                        .valuestring = text};
    *ret = copy;
    return walk_children(walk, node, field, depth - 1, copy);
}

bool kt_store_wants(enum kt_stored_kind kind, const cJSON *object)
{
    return kind != KT_STORED_CONFIG_MAPS || kt_json_get(kt_json_get(object, "data"), KT_TUNING_CONFIG_KEY);
}

cJSON *kt_store_trim(enum kt_stored_kind kind, const cJSON *object, size_t *ret_bytes)
{
    const struct field root = {.inside = kinds[kind]};
    struct walk walk = {0};
    cJSON *copy;
    if (!object || !walk_node(&walk, object, &root, KT_LIMIT_TREE_DEPTH, &copy))
        return NULL;
    size_t bytes = walk.nodes * sizeof(cJSON) + walk.text_bytes;
    cJSON *nodes = kt_heap_alloc(bytes);
    if (!nodes)
        return NULL;
    struct walk second = {.next_node = nodes, .next_text = (char *)(nodes + walk.nodes)};
    if (!walk_node(&second, object, &root, KT_LIMIT_TREE_DEPTH, &copy)) {
        kt_heap_free(nodes);
        return NULL;
    }
    copy->string = NULL; /* the root of a tree has no name, whatever it was part of */
    *ret_bytes = bytes;
    return copy;
}
