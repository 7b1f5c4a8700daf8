/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/random_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/objects.h"
#include "workload/node_claim.h"

#define PICK(cluster, list) ((list)[kt_random_below((cluster), KT_ARRAY_LENGTH(list))])

static const char *const node_names[] = {"gpu-0", "gpu-1", "gpu-2", "gpu-3", "gone"};
static const char *const times[] = {"2026-11-23T11:00:00Z", "2026-11-23T11:50:00Z", "2026-11-23T11:59:50Z"};
static const char *const statuses[] = {"True", "False", "Unknown"};

/* Knuth's MMIX generator. */
uint32_t kt_random_below(struct kt_random_cluster *cluster, uint32_t below)
{
    cluster->seed = cluster->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(cluster->seed >> 33) % below;
}

static bool one_in(struct kt_random_cluster *cluster, uint32_t times_)
{
    return kt_random_below(cluster, times_) == 0;
}

/* Single quotes stand for double ones. */
static cJSON *tree(struct kt_random_cluster *cluster, const char *text)
{
    char *json = kt_arena_strdup(cluster->arena, text);
    for (char *place = json; *place; place++)
        if (*place == '\'')
            *place = '"';
    return kt_test_json(cluster->arena, json);
}

static cJSON *add(struct kt_random_cluster *cluster, enum kt_kind_id kind, const char *text)
{
    cJSON *object = tree(cluster, text);
    if (cluster->count == KT_RANDOM_OBJECTS)
        abort();
    kt_json_set_string(cluster->arena, object, "apiVersion",
                       kt_arena_printf(cluster->arena, "%s%s%s", kt_kinds[kind].resource->group,
                                       *kt_kinds[kind].resource->group ? "/" : "", kt_kinds[kind].resource->version));
    kt_json_set_string(cluster->arena, object, "kind", kt_kinds[kind].resource->kind);
    kt_json_set_string(cluster->arena, kt_json_get(object, "metadata"), "creationTimestamp", PICK(cluster, times));
    if (one_in(cluster, 8))
        kt_json_set_string(cluster->arena, kt_json_get(object, "metadata"), "deletionTimestamp",
                           "2026-11-23T11:59:00Z");
    cluster->objects[cluster->count].kind = kind;
    cluster->objects[cluster->count++].object = object;
    return object;
}

static const char *condition(struct kt_random_cluster *cluster, const char *type, const char *reason)
{
    return kt_arena_printf(cluster->arena,
                           "{'type':'%s','status':'%s','reason':'%s','message':'some words','lastTransitionTime':'%s',"
                           "'observedGeneration':%d}",
                           type, PICK(cluster, statuses), reason, PICK(cluster, times), one_in(cluster, 4) ? 1 : 2);
}

static void add_node(struct kt_random_cluster *cluster, const char *name)
{
    static const char *const amounts[] = {"'nvidia.com/gpu':'1'", "'nvidia.com/gpu':'8'", "'cpu':'8'"};
    static const char *const labels[] = {"'apps':'a'", "'apps':'b'", "'apps':'a','zone':'1'",
                                         "'kaito.sh/workspace':'w0'"};
    add(cluster, KT_KIND_NODE,
        kt_arena_printf(
            cluster->arena,
            "{'metadata':{'name':'%s','uid':'uid-%s','labels':{%s}},'status':{'capacity':{%s},'conditions':[%s]}}",
            name, name, PICK(cluster, labels), PICK(cluster, amounts), condition(cluster, "Ready", "KubeletReady")));
}

static cJSON *add_workspace(struct kt_random_cluster *cluster, const char *space, const char *name, bool own_nodes)
{
    static const char *const selectors[] = {"'apps':'a'",
                                            "'apps':'b'",
                                            "'zone':'1','apps':'a'",
                                            "'apps':'none'",
                                            "",
                                            "'kaito.sh/workspace':'w0'",
                                            "'a b':'c'",
                                            "'apps':'a','kaito.sh/workspace':'x'"};
    static const char *const states[] = {"Pending", "Running", "Succeeded", "Failed", ""};
    static const char *const reasons[] = {"workspacePending", "OOMKilled", "workspaceFailed"};
    const char *conditions = "";
    if (!one_in(cluster, 3))
        conditions = kt_arena_printf(cluster->arena, "%s,%s,%s,%s", condition(cluster, "NodesReady", "NodesReady"),
                                     condition(cluster, "ResourceReady", "workspaceResourceStatusSuccess"),
                                     condition(cluster, "JobStarted", "WorkspaceTuningJobStatusStarted"),
                                     condition(cluster, "WorkspaceSucceeded", PICK(cluster, reasons)));
    return add(
        cluster, KT_KIND_WORKSPACE,
        kt_arena_printf(cluster->arena,
                        "{'metadata':{'name':'%s','namespace':'%s','uid':'uid-%s-%s','generation':2,"
                        "'annotations':{'workspace.kaito.io/revision':'1','workspace.kaito.io/node-claims':'%u'}},"
                        "'resource':{%s'labelSelector':{'matchLabels':{%s}}},'tuning':{'method':'qlora'},"
                        "'status':{'state':'%s','workerNodes':['%s'],'conditions':[%s]}}",
                        name, space, space, name, kt_random_below(cluster, 3),
                        own_nodes ? "" : "'instanceType':'Standard_NC24ads_A100_v4',", PICK(cluster, selectors),
                        PICK(cluster, states), PICK(cluster, node_names), conditions));
}

static void add_claim(struct kt_random_cluster *cluster, const cJSON *workspace, const char *space, const char *name,
                      int number)
{
    char claim_name[KT_NODE_CLAIM_NAME_BYTES];
    kt_node_claim_name(workspace, number, claim_name);
    if (one_in(cluster, 6)) /* of another operator */
        snprintf(claim_name, sizeof(claim_name), "x%c%c%d", space[0], name[1], number);
    add(cluster, KT_KIND_NODE_CLAIM,
        kt_arena_printf(cluster->arena,
                        "{'metadata':{'name':'%s','uid':'uid-%s','labels':{'kaito.sh/workspace':'%s',"
                        "'kaito.sh/workspacenamespace':'%s'}},'status':{'nodeName':'%s','conditions':[%s,%s,%s,%s]}}",
                        claim_name, claim_name, name, one_in(cluster, 9) ? "elsewhere" : space,
                        one_in(cluster, 4) ? "" : PICK(cluster, node_names),
                        condition(cluster, "Launched", "LaunchFailed"), condition(cluster, "Registered", "Registered"),
                        condition(cluster, "Initialized", "Initialized"), condition(cluster, "Ready", "Ready")));
}

static void add_job(struct kt_random_cluster *cluster, const char *space, const char *name)
{
    static const char *const ends[] = {"", "", "", "Complete", "Failed"};
    const char *end = PICK(cluster, ends);
    add(cluster, KT_KIND_JOB,
        kt_arena_printf(
            cluster->arena,
            "{'metadata':{'name':'%s','namespace':'%s','uid':'job-%s-%s','labels':{'kaito.sh/workspace':'%s'},"
            "'annotations':{'workspace.kaito.io/revision':'%s'},'ownerReferences':[{'kind':'Workspace',"
            "'controller':true,'uid':'%s-%s-%s'}]},'spec':{'suspend':%s},'status':{'conditions':[%s]}}",
            name, space, space, name, name, one_in(cluster, 8) ? "9" : "1", one_in(cluster, 8) ? "foreign" : "uid",
            space, name, one_in(cluster, 9) ? "true" : "false",
            *end ? condition(cluster, end, "BackoffLimitExceeded") : ""));
}

static const char *container(struct kt_random_cluster *cluster, const char *name)
{
    static const char *const states[] = {
        "'waiting':{'reason':'PodInitializing'}", "'waiting':{'reason':'ImagePullBackOff'}", "'running':{}",
        "'terminated':{'exitCode':0}", "'terminated':{'exitCode':137,'reason':'OOMKilled'}"};
    return kt_arena_printf(cluster->arena, "{'name':'%s','restartCount':0,'state':{%s}}", name, PICK(cluster, states));
}

static void add_pod(struct kt_random_cluster *cluster, const char *space, const char *name, int number)
{
    static const char *const phases[] = {"Pending", "Running", "Succeeded", "Failed"};
    add(cluster, KT_KIND_POD,
        kt_arena_printf(
            cluster->arena,
            "{'metadata':{'name':'%s-%d','namespace':'%s','uid':'pod-%s-%s-%d','labels':{'kaito.sh/workspace':'%s'},"
            "'ownerReferences':[{'kind':'Job','controller':true,'uid':'%s-%s-%s'}]},'spec':{'nodeName':'%s',"
            "'initContainers':[{'name':'model-weights-downloader'}],'containers':[{'name':'%s'},{'name':'pusher'}]},"
            "'status':{'phase':'%s','conditions':[%s],'initContainerStatuses':[%s],'containerStatuses':[%s,%s]}}",
            name, number, space, space, name, number, one_in(cluster, 9) ? "other" : name,
            one_in(cluster, 5) ? "foreign" : "job", space, name, one_in(cluster, 3) ? "" : PICK(cluster, node_names),
            name, PICK(cluster, phases), condition(cluster, "PodScheduled", "Unschedulable"),
            container(cluster, "model-weights-downloader"), container(cluster, name), container(cluster, "pusher")));
}

static void add_event(struct kt_random_cluster *cluster, const char *space, const char *name, const char *kind,
                      const char *reason)
{
    add(cluster, KT_KIND_EVENT,
        kt_arena_printf(cluster->arena,
                        "{'metadata':{'name':'%s.%zu','namespace':'%s'},'type':'Warning','reason':'%s','message':'some "
                        "words','lastTimestamp':'2026-11-23T11:59:00Z','involvedObject':{'kind':'%s','name':'%s',"
                        "'namespace':'%s'}}",
                        name, cluster->count, space, reason, kind, name, space));
}

/* A member that is not what it should be; names, labels and what the API server sets stay. */
static void make_odd(struct kt_random_cluster *cluster)
{
    static const char *const odd[] = {"7", "null", "[]", "{}", "'text'", "[7,null,{}]"};
    static const char *const members[] = {"status", "spec", "tuning"};
    static const char *const inside[] = {"conditions", "nodeName", "workerNodes", "containerStatuses", "phase"};
    cJSON *object = cluster->objects[kt_random_below(cluster, (uint32_t)cluster->count)].object;
    cJSON *status = kt_json_get(object, "status"), *value = tree(cluster, PICK(cluster, odd));
    const char *member = PICK(cluster, members), *deeper = PICK(cluster, inside);
    if (one_in(cluster, 2) && kt_json_get(object, member))
        kt_json_set(cluster->arena, object, member, value);
    else if (kt_json_is_object(status))
        kt_json_set(cluster->arena, status, deeper, value);
}

static void add_all_of(struct kt_random_cluster *cluster, const char *space, const char *name)
{
    bool own_nodes = one_in(cluster, 2);
    const cJSON *workspace = add_workspace(cluster, space, name, own_nodes);
    for (int i = 1; !own_nodes && i < 3; i++)
        if (!one_in(cluster, 3))
            add_claim(cluster, workspace, space, name, i);
    if (!one_in(cluster, 3))
        add_job(cluster, space, name);
    for (int i = 0; i < 3; i++)
        if (one_in(cluster, 2))
            add_pod(cluster, space, name, i);
    if (one_in(cluster, 3))
        add_event(cluster, space, name, "Job", "FailedCreate");
    if (one_in(cluster, 3))
        add_event(cluster, space, kt_arena_printf(cluster->arena, "%s-0", name), "Pod", "FailedMount");
}

void kt_random_cluster(struct kt_arena *arena, uint64_t number, struct kt_random_cluster *ret)
{
    *ret = (struct kt_random_cluster){.arena = arena, .seed = number * 2654435761u + 1};
    for (size_t i = 0; i + 1 < KT_ARRAY_LENGTH(node_names); i++)
        if (!one_in(ret, 4))
            add_node(ret, node_names[i]);
    add_all_of(ret, "default", "w0");
    if (!one_in(ret, 3))
        add_all_of(ret, "default", "w1");
    if (!one_in(ret, 3))
        add_all_of(ret, "other", "w0");
    while (one_in(ret, 2))
        make_odd(ret);
}
