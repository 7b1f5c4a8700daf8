/* SPDX-License-Identifier: Apache-2.0 */
/* What the reconciler knows of its cluster: which state wins, what belongs to whom, and what is too much. */
#include "tests/lib/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/limits.h"
#include "tests/lib/json_text.h"
#include "webhook/cluster/config_content.h"
#include "webhook/cluster/store.h"
#include "webhook/cluster/common_texts.h"

#define WS KT_KIND_WORKSPACE
#define CLAIMS KT_KIND_NODE_CLAIM
#define NODES KT_KIND_NODE
#define JOBS KT_KIND_JOB
#define PODS KT_KIND_POD
#define MAPS KT_KIND_CONFIG_MAP

struct fixture {
    struct kt_arena arena;
    struct kt_store *store;
    char visited[4096]; /* "ns/a ns/b" in the order of the calls */
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    kt_arena_init(&fixture.arena, 512 * KT_MIB);
    *state = &fixture;
    return kt_store_new(&fixture.store, NULL);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    kt_heap_fail_from(0);
    kt_store_free(fixture->store);
    kt_arena_release(&fixture->arena);
    return 0;
}

static void note(void *context, const struct kt_object_key *key)
{
    struct fixture *fixture = context;
    size_t length = strlen(fixture->visited);
    snprintf(fixture->visited + length, sizeof(fixture->visited) - length, "%s%s/%s", length > 0 ? " " : "",
             key->namespace_, key->name);
}

/* Single quotes stand for double ones. */
static const cJSON *object(struct fixture *fixture, const char *text)
{
    char *json = kt_arena_strdup(&fixture->arena, text);
    for (char *place = json; *place; place++)
        if (*place == '\'')
            *place = '"';
    return kt_test_json(&fixture->arena, json);
}

/* True when something changed; fixture->visited: whom it concerns. */
static bool put(struct fixture *fixture, enum kt_kind_id kind, const char *text)
{
    struct kt_store_visitor visitor = {note, fixture};
    struct kt_error error;
    bool changed = false;
    fixture->visited[0] = '\0';
    if (kt_store_put_and_visit(fixture->store, kind, object(fixture, text), &visitor, &changed, &error) != 0)
        fail_msg("%s", error.message);
    return changed;
}

static void take_away(struct fixture *fixture, enum kt_kind_id kind, const char *text)
{
    struct kt_store_visitor visitor = {note, fixture};
    fixture->visited[0] = '\0';
    kt_store_remove_and_visit(fixture->store, kind, object(fixture, text), &visitor);
}

static void sync(struct fixture *fixture, enum kt_kind_id kind)
{
    struct kt_store_visitor visitor = {note, fixture};
    fixture->visited[0] = '\0';
    kt_store_synced_and_visit(fixture->store, kind, &visitor);
}

/* What is kept, as text; NULL: nothing. */
static const char *kept(struct fixture *fixture, enum kt_kind_id kind, const char *namespace_, const char *name)
{
    struct kt_stored *stored = kt_store_get(fixture->store, kind, namespace_, name);
    const char *text = stored ? kt_test_json_text(&fixture->arena, kt_stored_object(stored)) : NULL;
    kt_stored_release(stored);
    return text;
}

static const char *kept_field(struct fixture *fixture, enum kt_kind_id kind, const char *name, const char *section,
                              const char *field)
{
    struct kt_stored *stored = kt_store_get(fixture->store, kind, kind == CLAIMS || kind == NODES ? "" : "ns", name);
    const char *text = kt_json_string(kt_json_path(kt_stored_object(stored), section, field, NULL));
    text = text ? kt_arena_strdup(&fixture->arena, text) : NULL;
    kt_stored_release(stored);
    return text;
}

/* Names of a Workspace's objects, sorted, separated by blanks. */
static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *names_of_workspace(struct fixture *fixture, enum kt_kind_id kind, const char *namespace_,
                                      const char *workspace)
{
    struct kt_object_key key;
    snprintf(key.namespace_, sizeof(key.namespace_), "%s", namespace_);
    snprintf(key.name, sizeof(key.name), "%s", workspace);
    struct kt_stored_set set;
    assert_int_equal(kt_store_of_workspace(fixture->store, kind, &key, &fixture->arena, &set, NULL), 0);
    const char *names[16];
    assert_true(set.objects.count <= KT_ARRAY_LENGTH(names));
    for (size_t i = 0; i < set.objects.count; i++)
        names[i] = kt_json_string(kt_json_path(set.objects.items[i], "metadata", "name", NULL));
    qsort(names, set.objects.count, sizeof(names[0]), compare_names);
    const char *all = "";
    for (size_t i = 0; i < set.objects.count; i++)
        all = kt_arena_printf(&fixture->arena, "%s%s%s", all, i > 0 ? " " : "", names[i]);
    kt_stored_set_release(&set);
    return all;
}

#define JOB(name, workspace, version, state)                                                         \
    "{'metadata':{'name':'" name "','namespace':'ns','uid':'u-" name "','resourceVersion':'" version \
    "','labels':{'kaito.sh/workspace':'" workspace "'}},'spec':{'suspend':false},'status':{'startTime':'" state "'}}"
#define CLAIM(name, workspace, version, node)                                       \
    "{'metadata':{'name':'" name "','uid':'u-" name "','resourceVersion':'" version \
    "','labels':{'kaito.sh/workspace':'" workspace                                  \
    "','kaito.sh/workspacenamespace':'ns'}},'status':{'nodeName':'" node "'}}"
#define NODE(name, version, ready)                                                  \
    "{'metadata':{'name':'" name "','uid':'u-" name "','resourceVersion':'" version \
    "'},'status':{'conditions':[{'type':'Ready','status':'" ready "','lastHeartbeatTime':'" version "'}]}}"
#define WORKSPACE(name, version, rest) \
    "{'metadata':{'name':'" name "','namespace':'ns','uid':'u-" name "','resourceVersion':'" version "'}" rest "}"
#define MAP(namespace_, name, version, text)                                                  \
    "{'metadata':{'name':'" name "','namespace':'" namespace_ "','resourceVersion':'" version \
    "'},'data':{'training_config.yaml':'" text "'}}"

static const char *names_of(struct fixture *fixture, enum kt_kind_id kind, const char *workspace)
{
    return names_of_workspace(fixture, kind, "ns", workspace);
}

/* --- which state wins ----------------------------------------------------------------------------------------------
 */

static void a_newer_state_replaces_an_older_one_and_not_the_other_way(void **state)
{
    struct fixture *fixture = *state;
    assert_true(put(fixture, JOBS, JOB("a", "w", "9", "one")));
    assert_false(put(fixture, JOBS, JOB("a", "w", "9", "the same version is the same state")));
    assert_true(put(fixture, JOBS, JOB("a", "w", "10", "two"))); /* by number: "10" is a smaller text */
    assert_string_equal(kept_field(fixture, JOBS, "a", "status", "startTime"), "two");
    assert_false(put(fixture, JOBS, JOB("a", "w", "9", "one"))); /* a watch that lags */
    assert_string_equal(fixture->visited, "");
    assert_string_equal(kept_field(fixture, JOBS, "a", "status", "startTime"), "two");
}

static void a_version_alone_is_no_change_but_is_kept(void **state)
{
    struct fixture *fixture = *state;
    assert_true(put(fixture, JOBS, JOB("j", "w", "1", "True")));
    assert_false(put(fixture, JOBS, JOB("j", "w", "2", "True")));
    assert_string_equal(kept_field(fixture, JOBS, "j", "metadata", "resourceVersion"), "2");
    assert_true(put(fixture, JOBS, JOB("j", "w", "3", "False")));
    /* Of what rules read the version is no part, so that a heartbeat leaves what they read where it is. */
    assert_true(put(fixture, NODES, NODE("n", "1", "True")));
    struct kt_stored *before = kt_store_get(fixture->store, NODES, "", "n");
    assert_false(put(fixture, NODES, NODE("n", "3", "True"))); /* a heartbeat */
    struct kt_stored *after = kt_store_get(fixture->store, NODES, "", "n");
    assert_ptr_equal(kt_stored_object(before), kt_stored_object(after));
    kt_stored_release(before);
    kt_stored_release(after);
    assert_false(put(fixture, NODES, NODE("n", "2", "Unknown"))); /* a watch that lags */
    assert_true(put(fixture, NODES, NODE("n", "4", "False")));
}

static void versions_that_are_no_numbers_are_taken_as_they_come(void **state)
{
    struct fixture *fixture = *state;
    assert_true(put(fixture, JOBS, JOB("a", "w", "x2", "one")));
    assert_true(put(fixture, JOBS, JOB("a", "w", "x1", "two")));
    assert_true(put(fixture, JOBS, JOB("a", "w", "99999999999999999999999", "three")));
    assert_string_equal(kept_field(fixture, JOBS, "a", "status", "startTime"), "three");
}

static void a_removal_of_another_one_of_the_name_is_not_ours(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, JOBS, JOB("a", "w", "9", "new"));
    take_away(fixture, JOBS, "{'metadata':{'name':'a','namespace':'ns','uid':'an older one','resourceVersion':'8'}}");
    assert_non_null(kept(fixture, JOBS, "ns", "a"));
    take_away(fixture, JOBS, JOB("a", "w", "10", "new"));
    assert_string_equal(fixture->visited, "ns/w");
    assert_null(kept(fixture, JOBS, "ns", "a"));
    take_away(fixture, JOBS, JOB("a", "w", "10", "new")); /* twice is no harm */
    assert_string_equal(fixture->visited, "");
}

static void the_reply_to_a_write_does_not_bring_back_what_is_gone(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, WS, WORKSPACE("a", "5", ""));
    take_away(fixture, WS, WORKSPACE("a", "7", "")); /* the watch was faster than the reply */
    assert_false(put(fixture, WS, WORKSPACE("a", "6", "")));
    assert_null(kept(fixture, WS, "ns", "a"));
    /* One that comes later is there again: a label that was put back, or another of the same name. */
    assert_true(put(fixture, WS, WORKSPACE("a", "8", "")));
    take_away(fixture, WS, WORKSPACE("a", "9", ""));
    assert_true(put(fixture, WS, "{'metadata':{'name':'a','namespace':'ns','uid':'other','resourceVersion':'4'}}"));
}

/* --- lists ---------------------------------------------------------------------------------------------------------
 */

static void a_new_list_drops_what_it_does_not_name(void **state)
{
    struct fixture *fixture = *state;
    kt_store_restart(fixture->store, JOBS);
    put(fixture, JOBS, JOB("a", "w", "1", "x"));
    put(fixture, JOBS, JOB("b", "v", "2", "x"));
    assert_false(kt_store_is_synced(fixture->store, JOBS));
    assert_false(kt_store_is_complete(fixture->store, JOBS));
    sync(fixture, JOBS);
    assert_string_equal(fixture->visited, "");
    assert_true(kt_store_is_synced(fixture->store, JOBS) && kt_store_is_complete(fixture->store, JOBS));
    assert_false(kt_store_is_synced(fixture->store, PODS));

    kt_store_restart(fixture->store, JOBS);
    assert_non_null(kept(fixture, JOBS, "ns", "b")); /* until the list is whole */
    assert_false(put(fixture, JOBS, JOB("a", "w", "1", "x")));
    put(fixture, JOBS, JOB("c", "w", "3", "written by us meanwhile"));
    sync(fixture, JOBS);
    assert_string_equal(fixture->visited, "ns/v"); /* who must know that b is gone */
    assert_null(kept(fixture, JOBS, "ns", "b"));
    assert_non_null(kept(fixture, JOBS, "ns", "a"));
    assert_non_null(kept(fixture, JOBS, "ns", "c"));
}

static void a_list_with_an_older_state_still_names_it(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, JOBS, JOB("a", "w", "5", "reply to a write"));
    kt_store_restart(fixture->store, JOBS);
    put(fixture, JOBS, JOB("a", "w", "4", "as the list was read before"));
    sync(fixture, JOBS);
    assert_string_equal(kept_field(fixture, JOBS, "a", "status", "startTime"), "reply to a write");
}

/* A list is read at 10, a worker creates a Job at 12, and only then does the first page arrive. */
static void what_is_newer_than_the_list_stays_and_may_be_told_of_again(void **state)
{
    struct fixture *fixture = *state;
    struct kt_store_visitor visitor = {note, fixture};
    put(fixture, JOBS, JOB("old", "v", "9", "x"));
    put(fixture, JOBS, JOB("a", "w", "12", "reply to a write"));
    kt_store_restart(fixture->store, JOBS);
    fixture->visited[0] = '\0';
    kt_store_synced_at(fixture->store, JOBS, "10", &visitor);
    assert_string_equal(fixture->visited, "ns/v"); /* nobody is told that a has gone */
    assert_non_null(kept(fixture, JOBS, "ns", "a"));
    assert_null(kept(fixture, JOBS, "ns", "old"));
    assert_false(put(fixture, JOBS, JOB("a", "w", "12", "as the watch tells it")));
    assert_non_null(kept(fixture, JOBS, "ns", "a"));
    /* The next list knows whether it is there. */
    kt_store_restart(fixture->store, JOBS);
    kt_store_synced_at(fixture->store, JOBS, "15", &visitor);
    assert_null(kept(fixture, JOBS, "ns", "a"));
}

/* --- what belongs to whom ------------------------------------------------------------------------------------------
 */

static void objects_are_found_by_their_workspace(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, JOBS, JOB("a", "w", "1", "x"));
    put(fixture, JOBS, JOB("b", "w", "2", "x"));
    put(fixture, JOBS, JOB("c", "v", "3", "x"));
    put(fixture, JOBS, "{'metadata':{'name':'d','namespace':'other','labels':{'kaito.sh/workspace':'w'}}}");
    put(fixture, JOBS, "{'metadata':{'name':'e','namespace':'ns'}}");
    put(fixture, CLAIMS, CLAIM("c1", "w", "1", ""));
    put(fixture, CLAIMS, "{'metadata':{'name':'c2','labels':{'kaito.sh/workspace':'w'}}}"); /* whose namespace? */
    assert_string_equal(names_of(fixture, JOBS, "w"), "a b");
    assert_string_equal(names_of(fixture, JOBS, "v"), "c");
    assert_string_equal(names_of(fixture, JOBS, "none"), "");
    assert_string_equal(names_of(fixture, CLAIMS, "w"), "c1");
}

static void a_changed_label_moves_it_and_concerns_both(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, JOBS, JOB("a", "w", "1", "x"));
    assert_true(put(fixture, JOBS, JOB("a", "v", "2", "x")));
    assert_string_equal(fixture->visited, "ns/w ns/v");
    assert_string_equal(names_of(fixture, JOBS, "w"), "");
    assert_string_equal(names_of(fixture, JOBS, "v"), "a");
    put(fixture, JOBS, "{'metadata':{'name':'a','namespace':'ns','resourceVersion':'3'}}");
    assert_string_equal(fixture->visited, "ns/v");
    assert_string_equal(names_of(fixture, JOBS, "v"), "");
}

static void nodes_are_found_by_their_claims_and_their_labels(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, NODES, NODE("n1", "1", "True"));
    put(fixture, NODES, NODE("n2", "2", "True"));
    put(fixture, CLAIMS, CLAIM("c1", "w", "3", "n1"));
    put(fixture, CLAIMS, CLAIM("c2", "v", "4", ""));
    assert_string_equal(names_of(fixture, NODES, "w"), "n1");
    put(fixture, NODES, NODE("n1", "5", "False"));
    assert_string_equal(fixture->visited, "ns/w");
    put(fixture, NODES, NODE("n2", "6", "False"));
    assert_string_equal(fixture->visited, ""); /* nobody's */
    put(fixture, CLAIMS, CLAIM("c2", "v", "7", "n2"));
    take_away(fixture, NODES, NODE("n2", "8", "False"));
    assert_string_equal(fixture->visited, "ns/v");
    /* A node that inherited its claim's labels, and is named by it, too. */
    put(fixture, NODES,
        "{'metadata':{'name':'n1','resourceVersion':'9','labels':{'kaito.sh/workspace':'w',"
        "'kaito.sh/workspacenamespace':'ns'}}}");
    assert_string_equal(names_of(fixture, NODES, "w"), "n1");
    struct kt_stored_set set;
    assert_int_equal(kt_store_all(fixture->store, CLAIMS, &fixture->arena, &set, NULL), 0);
    assert_int_equal(set.objects.count, 2);
    kt_stored_set_release(&set);
}

static void a_config_map_concerns_those_who_name_it(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, WS, WORKSPACE("a", "1", ",'tuning':{'config':'mine'}"));
    put(fixture, WS, WORKSPACE("b", "2", ",'tuning':{'config':'theirs'}"));
    put(fixture, WS, WORKSPACE("c", "3", ",'inference':{}"));
    put(fixture, MAPS, MAP("ns", "mine", "4", "x"));
    assert_string_equal(fixture->visited, "ns/a");
    put(fixture, MAPS, MAP("other", "mine", "5", "x"));
    assert_string_equal(fixture->visited, "");
    put(fixture, WS, WORKSPACE("b", "6", ",'tuning':{'config':'mine'}"));
    put(fixture, WS, WORKSPACE("a", "7", ",'tuning':{'config':'new'}"));
    put(fixture, MAPS, MAP("ns", "mine", "8", "y"));
    assert_string_equal(fixture->visited, "ns/b");
    /* It loses what made it a training config: as if it were gone. */
    assert_true(put(fixture, MAPS, "{'metadata':{'name':'mine','namespace':'ns','resourceVersion':'9'},'data':{}}"));
    assert_string_equal(fixture->visited, "ns/b");
    assert_null(kept(fixture, MAPS, "ns", "mine"));
}

static void a_template_concerns_those_who_wait_for_it(void **state)
{
    struct fixture *fixture = *state;
    kt_store_set_release_namespace(fixture->store, "release");
    put(fixture, WS, WORKSPACE("a", "1", ",'tuning':{'method':'lora'}"));
    put(fixture, WS, WORKSPACE("b", "2", ",'tuning':{'config':'mine'}"));
    put(fixture, WS, WORKSPACE("c", "3", ",'tuning':{},'status':{'state':'Succeeded'}"));
    put(fixture, MAPS, MAP("release", "lora-params-template", "4", "x"));
    assert_string_equal(fixture->visited, "ns/a");
    put(fixture, MAPS, MAP("elsewhere", "lora-params-template", "5", "x"));
    assert_string_equal(fixture->visited, "");
    put(fixture, MAPS, MAP("release", "unrelated", "6", "x"));
    assert_string_equal(fixture->visited, "");
    put(fixture, MAPS, MAP("ns", "lora-params-template-below-8.0", "7", "x")); /* a copy */
    assert_non_null(strstr(fixture->visited, "ns/a"));
    assert_null(strstr(fixture->visited, "ns/b"));
}

static void every_workspace_is_visited_for_a_resync(void **state)
{
    struct fixture *fixture = *state;
    char name[16], text[200];
    for (size_t i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), WORKSPACE("w%zu", "1", ""), i, i);
        put(fixture, WS, text);
    }
    fixture->visited[0] = '\0';
    kt_store_visit_workspaces(fixture->store, note, fixture);
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "ns/w%zu", i);
        assert_non_null(strstr(fixture->visited, name));
    }
    fixture->visited[0] = '\0';
    kt_store_visit_concerned(fixture->store, WS, object(fixture, WORKSPACE("unknown", "1", "")), note, fixture);
    assert_string_equal(fixture->visited, "ns/unknown");
}

/* --- what is kept --------------------------------------------------------------------------------------------------
 */

static void only_what_is_read_is_kept(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, PODS,
        "{'apiVersion':'v1','metadata':{'name':'p','namespace':'ns','uid':'u','resourceVersion':'1','labels':"
        "{'kaito.sh/workspace':'w'},'annotations':{'a':'b'},'managedFields':[{}],'ownerReferences':[{'kind':'Job',"
        "'name':'w','uid':'j','blockOwnerDeletion':true}]},'spec':{'nodeName':'n','containers':[{'name':'c','image':"
        "'i','env':[]}],'volumes':[]},'status':{'phase':'Running','podIP':'1','conditions':[{'type':'Ready','status':"
        "'True','lastProbeTime':null}],'containerStatuses':[{'name':'c','imageID':'x','state':{'waiting':{'reason':"
        "'ErrImagePull','message':'m'}},'restartCount':0,'ready':false,'started':false}]}}");
    assert_string_equal(
        kept(fixture, PODS, "ns", "p"),
        "{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u\",\"resourceVersion\":\"1\",\"labels\":"
        "{\"kaito.sh/workspace\":\"w\"},\"ownerReferences\":[{\"kind\":\"Job\",\"name\":\"w\",\"uid\":\"j\"}]},"
        "\"spec\":{\"nodeName\":\"n\",\"containers\":[{\"name\":\"c\"}]},\"status\":{\"phase\":\"Running\","
        "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],\"containerStatuses\":[{\"name\":\"c\",\"state\":"
        "{\"waiting\":{\"reason\":\"ErrImagePull\",\"message\":\"m\"}},\"restartCount\":0,\"ready\":false,"
        "\"started\":false}]}}");
    put(fixture, WS,
        "{'apiVersion':'kaito.sh/v1beta1','kind':'Workspace','metadata':{'name':'w','namespace':'ns','annotations':"
        "{'kubectl.kubernetes.io/last-applied-configuration':'{}','mine':'1'},'finalizers':['f'],'selfLink':'x'},"
        "'resource':{'count':1},'tuning':{'odd':[1,2.50,null]},'status':{'anything':[{}]}}");
    assert_string_equal(kept(fixture, WS, "ns", "w"),
                        "{\"apiVersion\":\"kaito.sh/v1beta1\",\"kind\":\"Workspace\",\"metadata\":{\"name\":\"w\","
                        "\"namespace\":\"ns\",\"annotations\":{\"mine\":\"1\"},\"finalizers\":[\"f\"]},\"resource\":"
                        "{\"count\":1},\"tuning\":{\"odd\":[1,2.50,null]},\"status\":{\"anything\":[{}]}}");
    put(fixture, NODES,
        "{'metadata':{'name':'n','labels':{'a':'b'},'annotations':{}},'spec':{'unschedulable':true,'podCIDR':'x'},"
        "'status':{'capacity':{'cpu':'4','nvidia.com/gpu':'1'},'conditions':[{'type':'DiskPressure','status':'False'},"
        "{'type':'Ready','status':'True','reason':'R','lastHeartbeatTime':'t'}],'images':[]}}");
    assert_string_equal(kept(fixture, NODES, "", "n"),
                        "{\"metadata\":{\"name\":\"n\",\"labels\":{\"a\":\"b\"}},\"spec\":{\"unschedulable\":true},"
                        "\"status\":{\"capacity\":{\"nvidia.com/gpu\":\"1\"},\"conditions\":[{\"type\":\"Ready\","
                        "\"status\":\"True\",\"reason\":\"R\"}]}}");
    struct kt_stored *stored = kt_store_get(fixture->store, NODES, "", "n");
    kt_test_json_sound(kt_stored_object(stored));
    kt_stored_release(stored);
}

static void every_common_text_is_found(void **state KT_UNUSED)
{
    unsigned number = 0;
    for (; kt_common_text(number); number++)
        assert_int_equal(kt_common_text_find(kt_common_text(number)), number);
    assert_true(number > 20);
    assert_int_equal(kt_common_text_find("nobody has this"), -1);
}

static void of_config_maps_the_configs_are_kept_and_a_hash_of_all(void **state)
{
    struct fixture *fixture = *state;
    assert_false(put(fixture, MAPS, "{'metadata':{'name':'a','namespace':'ns'},'data':{'other':'x'}}"));
    assert_null(kept(fixture, MAPS, "ns", "a"));
    static const char first[] =
        "{'metadata':{'name':'a','namespace':'ns'},'data':{'training_config.yaml':'x','other':'y'},'binaryData':"
        "{'b':'eA=='}}";
    put(fixture, MAPS, first);
    assert_string_equal(
        kept(fixture, MAPS, "ns", "a"),
        "{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\"},\"data\":{\"training_config.yaml\":\"x\"}}");
    struct kt_stored *stored = kt_store_get(fixture->store, MAPS, "ns", "a");
    char whole[KT_CONFIG_HASH_BYTES];
    assert_int_equal(kt_config_map_hash(&fixture->arena, object(fixture, first), whole, NULL), 0);
    assert_string_equal(kt_stored_content(stored)->hash, whole);
    assert_false(kt_stored_content(stored)->is_cut);
    kt_stored_release(stored);
    /* What is not kept is a change all the same, wherever it is. */
    assert_false(put(fixture, MAPS, first));
    assert_true(put(fixture, MAPS,
                    "{'metadata':{'name':'a','namespace':'ns'},'data':{'training_config.yaml':'x','other':'z'},"
                    "'binaryData':{'b':'eA=='}}"));
    assert_true(put(fixture, MAPS,
                    "{'metadata':{'name':'a','namespace':'ns'},'data':{'training_config.yaml':'x','other':'z'},"
                    "'binaryData':{'b':'eQ=='}}"));
}

/* A tenant's ConfigMap of a megabyte takes no more than its configs, and a config that nobody reads takes nothing. */
static void large_config_maps_take_little(void **state)
{
    struct fixture *fixture = *state;
    char *text = kt_arena_alloc(&fixture->arena, KT_MIB + 1);
    memset(text, 'x', KT_MIB);
    put(fixture, MAPS,
        kt_arena_printf(
            &fixture->arena,
            "{'metadata':{'name':'a','namespace':'ns'},'data':{'training_config.yaml':'a: 1','other':'%s'}}", text));
    assert_in_range(kt_store_bytes(fixture->store), 1, 4 * KT_KIB);
    struct kt_stored *stored = kt_store_get(fixture->store, MAPS, "ns", "a");
    assert_false(kt_stored_content(stored)->is_cut);
    kt_stored_release(stored);
    put(fixture, MAPS, kt_arena_printf(&fixture->arena, MAP("ns", "a", "2", "%s"), text));
    assert_in_range(kt_store_bytes(fixture->store), 1, 4 * KT_KIB);
    stored = kt_store_get(fixture->store, MAPS, "ns", "a");
    const struct kt_config_content *content = kt_stored_content(stored);
    assert_true(content->is_cut && content->is_known[KT_CONFIG_TRAINING]);
    assert_true(content->documents[KT_CONFIG_TRAINING].is_too_large);
    assert_non_null(strstr(content->documents[KT_CONFIG_TRAINING].problem, "1048576 bytes"));
    kt_stored_release(stored);
}

static void long_messages_of_children_are_cut_at_a_character(void **state)
{
    struct fixture *fixture = *state;
    char *message = kt_arena_alloc(&fixture->arena, 3 * KT_KEPT_TEXT_BYTES);
    for (size_t i = 0; i + 3 < 3 * KT_KEPT_TEXT_BYTES; i += 3)
        memcpy(message + i, "\xe2\x82\xac", 4);
    put(fixture, PODS,
        kt_arena_printf(&fixture->arena, "{'metadata':{'name':'p','namespace':'ns'},'status':{'message':'%s'}}",
                        message));
    const char *cut = kept_field(fixture, PODS, "p", "status", "message");
    assert_in_range(strlen(cut), KT_KEPT_TEXT_BYTES - 3, KT_KEPT_TEXT_BYTES);
    assert_true(kt_utf8_valid(kt_str(cut)));
    /* A Workspace's own status is compared with what would be written: it stays. */
    put(fixture, WS,
        kt_arena_printf(&fixture->arena, "{'metadata':{'name':'p','namespace':'ns'},'status':{'message':'%s'}}",
                        message));
    assert_string_equal(kept_field(fixture, WS, "p", "status", "message"), message);
}

static void odd_objects_do_no_harm(void **state)
{
    struct fixture *fixture = *state;
    static const char *const odd[] = {
        "null",
        "[]",
        "'text'",
        "{}",
        "{'metadata':[]}",
        "{'metadata':{'name':7}}",
        "{'metadata':{'name':''}}",
        "{'metadata':{'name':'o','namespace':'ns','labels':'x','resourceVersion':7,'uid':{}},'status':[1],'spec':null}",
        "{'metadata':{'name':'o2','namespace':'ns','labels':{'kaito.sh/workspace':{}}},'status':{'nodeName':[]}}",
        "{'metadata':{'name':'o4','namespace':'ns'},'status':{'conditions':{'a':1}},'data':{'training_config.yaml':7}}",
        "{'metadata':{'name':'o3','namespace':'ns','labels':{'kaito.sh/workspace':''}},'tuning':{'config':{}}}",
    };
    for (int kind = 0; kind < KT_CACHED_KINDS; kind++) {
        for (size_t i = 0; i < KT_ARRAY_LENGTH(odd); i++)
            put(fixture, (enum kt_kind_id)kind, odd[i]);
        for (size_t i = 0; i < KT_ARRAY_LENGTH(odd); i++) {
            kt_store_visit_concerned(fixture->store, (enum kt_kind_id)kind, object(fixture, odd[i]), note, fixture);
            take_away(fixture, (enum kt_kind_id)kind, odd[i]);
        }
    }
    char name[300];
    memset(name, 'a', sizeof(name));
    name[254] = '\0';
    assert_false(put(fixture, JOBS, kt_arena_printf(&fixture->arena, "{'metadata':{'name':'%s'}}", name)));
    name[253] = '\0';
    assert_true(put(fixture, JOBS, kt_arena_printf(&fixture->arena, "{'metadata':{'name':'%s'}}", name)));
    take_away(fixture, JOBS, kt_arena_printf(&fixture->arena, "{'metadata':{'name':'%s'}}", name));
    assert_int_equal(kt_store_bytes(fixture->store), 0);
}

/* --- limits --------------------------------------------------------------------------------------------------------
 */

static void beyond_the_number_of_objects_a_kind_is_incomplete(void **state)
{
    struct fixture *fixture = *state;
    struct kt_error error;
    struct kt_arena arena;
    kt_arena_init(&arena, 16 * KT_MIB);
    kt_store_restart(fixture->store, JOBS);
    for (size_t i = 0; i <= KT_LIMIT_STORE_OBJECTS; i++) {
        kt_arena_reset(&arena);
        const cJSON *job =
            kt_test_json(&arena, kt_arena_printf(&arena, "{\"metadata\":{\"name\":\"j%zu\",\"namespace\":\"%s\"}}", i,
                                                 i == 7 ? "ns" : kt_arena_printf(&arena, "ns%zu", i % 10)));
        int code = kt_store_put(fixture->store, JOBS, job, NULL, &error);
        assert_int_equal(code, i < KT_LIMIT_STORE_OBJECTS ? 0 : KT_ELIMIT);
    }
    kt_store_synced(fixture->store, JOBS);
    assert_true(kt_store_is_synced(fixture->store, JOBS));
    assert_false(kt_store_is_complete(fixture->store, JOBS));
    /* One that is there may still change, and another kind is not touched. */
    assert_true(put(fixture, JOBS, JOB("j7", "w", "7", "x")));
    assert_true(put(fixture, PODS, JOB("p", "w", "7", "x")));
    kt_store_synced(fixture->store, PODS);
    assert_true(kt_store_is_complete(fixture->store, PODS));
    /* The next list fits. */
    kt_store_restart(fixture->store, JOBS);
    kt_store_synced(fixture->store, JOBS);
    assert_true(kt_store_is_complete(fixture->store, JOBS));
    assert_null(kept(fixture, JOBS, "ns", "j1"));
    kt_arena_release(&arena);
}

static void beyond_the_bytes_an_object_is_refused_and_its_old_state_goes(void **state)
{
    struct fixture *fixture = *state;
    struct kt_error error;
    size_t length = 60 * KT_KIB, share = KT_LIMIT_STORE_CONFIG_MAP_BYTES / KT_LIMIT_NAMESPACE_SHARE;
    char *text = kt_arena_alloc(&fixture->arena, length + 1);
    memset(text, 'x', length);
    kt_store_synced(fixture->store, MAPS);
    put(fixture, MAPS, MAP("ns", "small", "1", "x"));
    cJSON *map =
        kt_test_json(&fixture->arena, kt_arena_printf(&fixture->arena,
                                                      "{\"metadata\":{\"name\":\"n\",\"namespace\":\"ns\"},\"data\":"
                                                      "{\"training_config.yaml\":\"%s\"}}",
                                                      text));
    size_t kept_count = 0;
    int code = 0;
    while (code == 0 && kept_count < 1000) {
        kt_json_set_string(&fixture->arena, kt_json_get(map, "metadata"), "name",
                           kt_arena_printf(&fixture->arena, "n%zu", kept_count));
        code = kt_store_put(fixture->store, MAPS, map, NULL, &error);
        kept_count += code == 0;
    }
    assert_int_equal(code, KT_ELIMIT);
    assert_in_range(kept_count, share / length - 2, share / length);
    assert_true(kt_store_bytes(fixture->store) <= share);
    /* Others have room: a tenant who writes many config maps stops nobody's tuning. */
    put(fixture, MAPS, MAP("other", "small", "1", "x"));
    assert_non_null(kept(fixture, MAPS, "other", "small"));
    put(fixture, JOBS, JOB("j", "w", "1", "x"));
    put(fixture, CLAIMS, CLAIM("c", "w", "1", ""));
    assert_non_null(kept(fixture, JOBS, "ns", "j"));
    assert_string_equal(names_of(fixture, CLAIMS, "w"), "c");
    assert_false(kt_store_is_complete(fixture->store, MAPS));
    /* Better unknown than stale. */
    kt_json_set_string(&fixture->arena, kt_json_get(map, "metadata"), "name", "small");
    kt_json_set_string(&fixture->arena, kt_json_get(map, "metadata"), "resourceVersion", "2");
    assert_int_equal(kt_store_put(fixture->store, MAPS, map, NULL, &error), KT_ELIMIT);
    assert_null(kept(fixture, MAPS, "ns", "small"));
}

/* Five tenants, each with all it may have, are more than the kind may have; the templates of the installation are still
 * taken in. */
static void a_namespace_has_its_share_and_the_release_namespace_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct kt_error error;
    size_t length = 60 * KT_KIB, counts[5] = {0};
    char *text = kt_arena_alloc(&fixture->arena, length + 1);
    memset(text, 'x', length);
    kt_store_set_release_namespace(fixture->store, "release");
    for (size_t tenant = 0; tenant < KT_ARRAY_LENGTH(counts); tenant++) {
        struct fixture work = *fixture;
        kt_arena_init(&work.arena, 64 * KT_MIB);
        while (kt_store_put(
                   fixture->store, MAPS,
                   object(&work,
                          kt_arena_printf(
                              &work.arena,
                              "{'metadata':{'name':'m%zu','namespace':'t%zu'},'data':{'training_config.yaml':'%s'}}",
                              counts[tenant], tenant, text)),
                   NULL, &error) == 0) {
            counts[tenant]++;
            kt_arena_reset(&work.arena);
        }
        kt_arena_release(&work.arena);
    }
    size_t share = KT_LIMIT_STORE_CONFIG_MAP_BYTES / KT_LIMIT_NAMESPACE_SHARE / length;
    for (size_t tenant = 0; tenant < KT_ARRAY_LENGTH(counts) - 1; tenant++)
        assert_in_range(counts[tenant], share - 1, share);
    assert_true(counts[KT_ARRAY_LENGTH(counts) - 1] < share - 1);
    assert_true(kt_store_bytes(fixture->store) <= KT_LIMIT_STORE_CONFIG_MAP_BYTES);
    put(fixture, MAPS, MAP("release", "lora-params-template", "4", "x"));
    assert_non_null(kept(fixture, MAPS, "release", "lora-params-template"));
    /* What goes makes room. */
    take_away(fixture, MAPS, MAP("t0", "m0", "9", "x"));
    put(fixture, MAPS, MAP("t0", "another", "10", "x"));
    assert_non_null(kept(fixture, MAPS, "t0", "another"));
}

static enum kt_lookup looked_up(struct fixture *fixture, enum kt_kind_id kind, const char *namespace_, const char *name)
{
    struct kt_stored *stored;
    enum kt_lookup found = kt_store_look_up(fixture->store, kind, namespace_, name, &stored);
    assert_int_equal(found == KT_LOOKUP_FOUND, stored != NULL);
    kt_stored_release(stored);
    return found;
}

static bool set_is_complete(struct fixture *fixture, enum kt_kind_id kind, const char *namespace_)
{
    struct kt_object_key key;
    struct kt_stored_set set;
    snprintf(key.namespace_, sizeof(key.namespace_), "%s", namespace_);
    snprintf(key.name, sizeof(key.name), "w");
    assert_int_equal(kt_store_of_workspace(fixture->store, kind, &key, &fixture->arena, &set, NULL), 0);
    bool complete = set.complete;
    kt_stored_set_release(&set);
    return complete;
}

#define LARGE_JOB "{'metadata':{'name':'%zu','namespace':'ns','annotations':{'a':'%s'}}}"
#define LARGE_CLAIM "{'metadata':{'name':'c%zu','labels':{'a':'%s'}}}"

/* A tenant has more Jobs than its share: whether there is another in that namespace is unknown, elsewhere it is known.
 */
static void what_was_left_out_is_unknown_in_its_namespace(void **state)
{
    struct fixture *fixture = *state;
    struct kt_error error;
    assert_int_equal(looked_up(fixture, JOBS, "ns", "none"), KT_LOOKUP_UNKNOWN); /* not listed yet */
    assert_false(set_is_complete(fixture, JOBS, "ns"));
    kt_store_synced(fixture->store, JOBS);
    assert_int_equal(looked_up(fixture, JOBS, "ns", "none"), KT_LOOKUP_ABSENT);
    assert_true(set_is_complete(fixture, JOBS, "ns"));
    char *text = kt_arena_alloc(&fixture->arena, 256 * KT_KIB + 1);
    memset(text, 'x', 256 * KT_KIB);
    size_t fitted = 0;
    while (kt_store_put(fixture->store, JOBS,
                        object(fixture, kt_arena_printf(&fixture->arena, LARGE_JOB, fitted, text)), NULL, &error) == 0)
        fitted++;
    assert_in_range(fitted, 2, 100);
    assert_int_equal(looked_up(fixture, JOBS, "ns", "0"), KT_LOOKUP_FOUND);
    assert_int_equal(looked_up(fixture, JOBS, "ns", "none"), KT_LOOKUP_UNKNOWN);
    assert_false(set_is_complete(fixture, JOBS, "ns"));
    assert_int_equal(looked_up(fixture, JOBS, "other", "none"), KT_LOOKUP_ABSENT);
    assert_true(set_is_complete(fixture, JOBS, "other"));
    /* All that is kept may go: it is still unknown, until a list fits. */
    for (size_t i = 0; i < fitted; i++)
        take_away(fixture, JOBS, kt_arena_printf(&fixture->arena, "{'metadata':{'name':'%zu','namespace':'ns'}}", i));
    assert_int_equal(looked_up(fixture, JOBS, "ns", "none"), KT_LOOKUP_UNKNOWN);
    kt_store_restart(fixture->store, JOBS);
    assert_int_equal(looked_up(fixture, JOBS, "ns", "none"), KT_LOOKUP_UNKNOWN);
    kt_store_synced(fixture->store, JOBS);
    assert_int_equal(looked_up(fixture, JOBS, "ns", "none"), KT_LOOKUP_ABSENT);
    assert_true(kt_store_is_complete(fixture->store, JOBS));
    /* What has no namespace is unknown everywhere. */
    kt_store_synced(fixture->store, CLAIMS);
    for (size_t i = 0; i < 100; i++)
        if (kt_store_put(fixture->store, CLAIMS,
                         object(fixture, kt_arena_printf(&fixture->arena, LARGE_CLAIM, i, text)), NULL, &error) != 0)
            break;
    assert_int_equal(looked_up(fixture, CLAIMS, "", "none"), KT_LOOKUP_UNKNOWN);
    assert_false(set_is_complete(fixture, CLAIMS, "other"));
}

static void without_memory_nothing_breaks(void **state)
{
    struct fixture *fixture = *state;
    struct kt_error error;
    bool changed = false;
    put(fixture, JOBS, JOB("a", "w", "1", "x"));
    kt_store_synced(fixture->store, JOBS);
    const cJSON *newer = object(fixture, JOB("a", "w", "2", "y"));
    for (size_t nth = 1;; nth++) {
        kt_heap_fail_from(nth);
        int code = kt_store_put(fixture->store, JOBS, newer, &changed, &error);
        kt_heap_fail_from(0);
        if (code == 0)
            break;
        assert_int_equal(code, KT_ENOMEM);
        assert_null(kept(fixture, JOBS, "ns", "a"));
        assert_false(kt_store_is_complete(fixture->store, JOBS));
    }
    assert_true(changed);
    struct kt_object_key key = {"ns", "w"};
    struct kt_stored_set set;
    struct kt_arena small;
    kt_arena_init(&small, 4);
    assert_int_equal(kt_store_of_workspace(fixture->store, JOBS, &key, &small, &set, &error), KT_ENOMEM);
    assert_int_equal(kt_store_all(fixture->store, JOBS, &small, &set, &error), KT_ENOMEM);
    kt_arena_release(&small);
    for (size_t nth = 1;; nth++) {
        struct kt_store *store;
        kt_heap_fail_from(nth);
        int code = kt_store_new(&store, &error);
        kt_heap_fail_from(0);
        if (code == 0) {
            kt_store_free(store);
            break;
        }
        assert_int_equal(code, KT_ENOMEM);
    }
}

/* --- memory -------------------------------------------------------------------------------------------------------
 */

static void a_finished_tuning_takes_less_than_9_kib(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *key;
        enum kt_kind_id kind;
    } objects[] = {{"workspace", WS}, {"nodeClaim", CLAIMS}, {"node", NODES}, {"job", JOBS}, {"pod", PODS}};
    struct kt_str text;
    assert_int_equal(
        kt_files_system.read(NULL, &fixture->arena, "tests/unit/data/finished-tuning.json", KT_MIB, &text, NULL), 0);
    const cJSON *tuning = kt_test_json(&fixture->arena, text.data);
    size_t before = 0;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(objects); i++) {
        bool changed = false;
        assert_int_equal(
            kt_store_put(fixture->store, objects[i].kind, kt_json_get(tuning, objects[i].key), &changed, NULL), 0);
        assert_true(changed);
        size_t bytes = kt_store_bytes(fixture->store);
        print_message("# %s: %zu bytes\n", objects[i].key, bytes - before);
        before = bytes;
    }
    assert_string_equal(names_of_workspace(fixture, NODES, "default", "tune-phi-3"), "default-x7k2p");
    assert_in_range(before, 1, 9 * KT_KIB); /* with the tree of its Node, which rules read */
}

/* --- references and threads
 * --------------------------------------------------------------------------------------------
 */

static void a_reference_outlives_its_object(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, JOBS, JOB("a", "w", "1", "old"));
    struct kt_stored *old = kt_store_get(fixture->store, JOBS, "ns", "a");
    put(fixture, JOBS, JOB("a", "w", "2", "new"));
    take_away(fixture, JOBS, JOB("a", "w", "3", "new"));
    assert_string_equal(kt_json_string(kt_json_path(kt_stored_object(old), "status", "startTime", NULL)), "old");
    kt_stored_release(old);
    kt_stored_release(NULL);
    assert_null(kt_stored_object(NULL));
    assert_int_equal(kt_store_bytes(fixture->store), 0);
}

#define READERS 4
#define ROUNDS 3000

struct shared {
    struct kt_store *store;
    atomic_bool over;
    atomic_int bad;
};

/* Each state of the job says its version twice: a reader must never see two that differ. */
static void *read_on(void *context)
{
    struct shared *shared = context;
    struct kt_arena arena;
    struct kt_object_key key = {"ns", "w"};
    kt_arena_init(&arena, 4 * KT_MIB);
    while (!atomic_load(&shared->over)) {
        struct kt_stored_set set;
        if (kt_store_of_workspace(shared->store, JOBS, &key, &arena, &set, NULL) != 0)
            atomic_fetch_add(&shared->bad, 1);
        for (size_t i = 0; i < set.objects.count; i++) {
            const cJSON *job = set.objects.items[i];
            const char *version = kt_json_string(kt_json_path(job, "metadata", "resourceVersion", NULL));
            const char *time = kt_json_string(kt_json_path(job, "status", "startTime", NULL));
            if (!version || !time || strcmp(version, time) != 0)
                atomic_fetch_add(&shared->bad, 1);
        }
        kt_stored_set_release(&set);
        kt_stored_release(kt_store_get(shared->store, JOBS, "ns", "a"));
        kt_store_is_complete(shared->store, JOBS);
        kt_arena_reset(&arena);
    }
    kt_arena_release(&arena);
    return NULL;
}

static void *write_on(void *context)
{
    struct shared *shared = context;
    struct kt_arena arena;
    kt_arena_init(&arena, 4 * KT_MIB);
    for (int i = 1; i <= ROUNDS; i++) {
        kt_arena_reset(&arena);
        const char *text =
            kt_arena_printf(&arena,
                            "{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"resourceVersion\":\"%d\",\"labels\":"
                            "{\"kaito.sh/workspace\":\"%s\"}},\"status\":{\"startTime\":\"%d\"}}",
                            i, i % 5 ? "w" : "v", i);
        struct kt_json_parsed parsed;
        if (kt_json_parse(&arena, kt_str(text), KT_JSON_DUPLICATES_REFUSE, &parsed, NULL) != 0 ||
            kt_store_put(shared->store, JOBS, parsed.root, NULL, NULL) != 0)
            atomic_fetch_add(&shared->bad, 1);
        if (i % 100 == 0)
            kt_store_remove(shared->store, JOBS, parsed.root);
        if (i % 77 == 0) {
            kt_store_restart(shared->store, JOBS);
            kt_store_synced(shared->store, JOBS);
        }
    }
    kt_arena_release(&arena);
    return NULL;
}

static void readers_and_writers_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct shared shared = {.store = fixture->store};
    pthread_t readers[READERS], writers[2];
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &shared), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_on, &shared), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&shared.over, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(shared.bad, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_newer_state_replaces_an_older_one_and_not_the_other_way),
        TEST(a_version_alone_is_no_change_but_is_kept),
        TEST(versions_that_are_no_numbers_are_taken_as_they_come),
        TEST(a_removal_of_another_one_of_the_name_is_not_ours),
        TEST(the_reply_to_a_write_does_not_bring_back_what_is_gone),
        TEST(a_new_list_drops_what_it_does_not_name),
        TEST(a_list_with_an_older_state_still_names_it),
        TEST(what_is_newer_than_the_list_stays_and_may_be_told_of_again),
        TEST(objects_are_found_by_their_workspace),
        TEST(a_changed_label_moves_it_and_concerns_both),
        TEST(nodes_are_found_by_their_claims_and_their_labels),
        TEST(a_config_map_concerns_those_who_name_it),
        TEST(a_template_concerns_those_who_wait_for_it),
        TEST(every_workspace_is_visited_for_a_resync),
        TEST(only_what_is_read_is_kept),
        TEST(every_common_text_is_found),
        TEST(of_config_maps_the_configs_are_kept_and_a_hash_of_all),
        TEST(large_config_maps_take_little),
        TEST(what_was_left_out_is_unknown_in_its_namespace),
        TEST(long_messages_of_children_are_cut_at_a_character),
        TEST(odd_objects_do_no_harm),
        TEST(beyond_the_number_of_objects_a_kind_is_incomplete),
        TEST(beyond_the_bytes_an_object_is_refused_and_its_old_state_goes),
        TEST(a_namespace_has_its_share_and_the_release_namespace_its_own),
        TEST(without_memory_nothing_breaks),
        TEST(a_finished_tuning_takes_less_than_9_kib),
        TEST(a_reference_outlives_its_object),
        TEST(readers_and_writers_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
