/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/volume_source.h"

#include "text/names.h"

enum { READS = 1, READS_AND_WRITES = 2, WRITES_BUT_FORGETS = 3 };

/* The kinds of volume of core/v1, and what can be done with one. `needs` is the member without which it cannot be
 * mounted (upstream's API type marks it required), `names_object` that the member is the name of an object. */
static const struct volume_kind {
    const char *name;
    int use;
    const char *needs;
    bool names_object;
} volume_kinds[] = {
    {"persistentVolumeClaim", READS_AND_WRITES, "claimName", true},
    {"nfs", READS_AND_WRITES, "server", false},
    {"csi", READS_AND_WRITES, "driver", false},
    {"ephemeral", WRITES_BUT_FORGETS, "volumeClaimTemplate", false},
    {"emptyDir", WRITES_BUT_FORGETS, NULL, false},
    {"hostPath", READS_AND_WRITES, "path", false},
    {"image", READS, "reference", false},
    {"configMap", READS, "name", true},
    {"secret", READS, "secretName", true},
    {"projected", READS, "sources", false},
    {"downwardAPI", READS, NULL, false},
    {"gitRepo", WRITES_BUT_FORGETS, "repository", false},
    {"azureFile", READS_AND_WRITES, "shareName", false},
    {"azureDisk", READS_AND_WRITES, "diskURI", false},
    {"awsElasticBlockStore", READS_AND_WRITES, "volumeID", false},
    {"gcePersistentDisk", READS_AND_WRITES, "pdName", false},
    {"cephfs", READS_AND_WRITES, "monitors", false},
    {"cinder", READS_AND_WRITES, "volumeID", false},
    {"fc", READS_AND_WRITES, NULL, false},
    {"flexVolume", READS_AND_WRITES, "driver", false},
    {"flocker", READS_AND_WRITES, NULL, false},
    {"glusterfs", READS_AND_WRITES, "endpoints", false},
    {"iscsi", READS_AND_WRITES, "iqn", false},
    {"photonPersistentDisk", READS_AND_WRITES, "pdID", false},
    {"portworxVolume", READS_AND_WRITES, "volumeID", false},
    {"quobyte", READS_AND_WRITES, "volume", false},
    {"rbd", READS_AND_WRITES, "image", false},
    {"scaleIO", READS_AND_WRITES, "system", false},
    {"storageos", READS_AND_WRITES, "volumeName", false},
    {"vsphereVolume", READS_AND_WRITES, "volumePath", false},
};

/* How each verdict is reported. */
static const struct {
    enum kt_problem problem;
    const char *reason;
} verdicts[] = {
    [KT_VOLUME_EMPTY] = {KT_PROBLEM_REQUIRED, "name one kind of volume, for example persistentVolumeClaim with a "
                                              "claimName"},
    [KT_VOLUME_SEVERAL] = {KT_PROBLEM_FORBIDDEN, "more than one kind of volume is named; keep one"},
    [KT_VOLUME_SPELLING] = {KT_PROBLEM_FORBIDDEN, "the kind is spelt in another letter case than the API has, so the "
                                                  "pod would be made without it"},
    [KT_VOLUME_HOST_PATH] = {KT_PROBLEM_FORBIDDEN, "a hostPath is a directory of whichever node the pod lands on, and "
                                                   "opens that node to the pod; use persistentVolumeClaim"},
    [KT_VOLUME_STARTS_BARE] = {KT_PROBLEM_FORBIDDEN, "an emptyDir has nothing in it when the pod starts and is gone "
                                                     "when it ends; use persistentVolumeClaim"},
    [KT_VOLUME_NOT_KEPT] = {KT_PROBLEM_FORBIDDEN, "this volume is gone when the pod ends, and the result with it; use "
                                                  "persistentVolumeClaim"},
    [KT_VOLUME_READ_ONLY] = {KT_PROBLEM_FORBIDDEN, "this volume cannot be written, so the result could not be stored; "
                                                   "use one that is not read-only"},
    [KT_VOLUME_INCOMPLETE] = {KT_PROBLEM_REQUIRED, "the volume cannot be mounted without it"},
    [KT_VOLUME_BAD_NAME] = {KT_PROBLEM_INVALID, NULL},
};

static const struct volume_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(volume_kinds); i++) {
        if (kt_streq_nocase(volume_kinds[i].name, name))
            return &volume_kinds[i];
    }
    return NULL;
}

static struct kt_volume_finding found(enum kt_volume_verdict verdict, const struct volume_kind *kind)
{
    return (struct kt_volume_finding){
        .verdict = verdict, .kind = kind != NULL ? kind->name : NULL, .reason = verdicts[verdict].reason};
}

static bool is_absent(const cJSON *value)
{
    const char *text = kt_json_string(value);
    return value == NULL || kt_json_is_null(value) || (text != NULL && text[0] == '\0') ||
           (kt_json_is_array(value) && kt_json_count(value) == 0);
}

static struct kt_volume_finding check_kind(const struct volume_kind *kind, const cJSON *member, bool written)
{
    const cJSON *needed = kind->needs != NULL ? kt_json_get(member, kind->needs) : NULL;
    struct kt_volume_finding finding = {.verdict = KT_VOLUME_OK};
    if (!kt_streq(member->string, kind->name))
        return found(KT_VOLUME_SPELLING, kind);
    if (kt_streq(kind->name, "hostPath"))
        return found(KT_VOLUME_HOST_PATH, kind);
    if (kt_streq(kind->name, "emptyDir"))
        return found(KT_VOLUME_STARTS_BARE, kind);
    if (written && kind->use == WRITES_BUT_FORGETS)
        return found(KT_VOLUME_NOT_KEPT, kind);
    if (written && (kind->use == READS || kt_json_true(kt_json_get(member, "readOnly"))))
        return found(KT_VOLUME_READ_ONLY, kind);
    if (kind->needs == NULL)
        return finding;
    if (is_absent(needed)) {
        finding = found(KT_VOLUME_INCOMPLETE, kind);
        finding.member = kind->needs;
    } else if (kind->names_object && kt_json_is_string(needed) &&
               kt_names_dns1123_subdomain(kt_str(needed->valuestring)) != NULL) {
        finding = found(KT_VOLUME_BAD_NAME, kind);
        finding.reason = kt_names_dns1123_subdomain(kt_str(needed->valuestring));
        finding.member = kind->needs;
    }
    return finding;
}

struct kt_volume_finding kt_volume_source_check(const cJSON *volume, bool written)
{
    const cJSON *member = NULL;
    const cJSON *only = NULL;
    size_t count = 0;
    if (!kt_json_is_object(volume))
        return (struct kt_volume_finding){.verdict = KT_VOLUME_OK};
    cJSON_ArrayForEach(member, volume)
    {
        if (kt_json_is_null(member))
            continue;
        only = member;
        count++;
    }
    if (count == 0)
        return found(KT_VOLUME_EMPTY, NULL);
    if (count > 1)
        return found(KT_VOLUME_SEVERAL, NULL);
    if (!kt_json_is_object(only) || find_kind(only->string) == NULL)
        return (struct kt_volume_finding){.verdict = KT_VOLUME_OK};
    return check_kind(find_kind(only->string), only, written);
}

void kt_volume_source_report(struct kt_rule_run *run, const cJSON *volume, const char *field, bool written)
{
    struct kt_volume_finding finding = kt_volume_source_check(volume, written);
    const char *path = field;
    const char *value = NULL;
    if (finding.verdict == KT_VOLUME_OK)
        return;
    if (finding.kind != NULL && finding.verdict != KT_VOLUME_SPELLING)
        path = kt_arena_printf(run->facts->arena, "%s.%s%s%s", field, finding.kind, finding.member ? "." : "",
                               finding.member ? finding.member : "");
    if (finding.verdict == KT_VOLUME_BAD_NAME)
        value = kt_json_string(kt_json_path(volume, finding.kind, finding.member, NULL));
    if (path != NULL)
        kt_rule_report_as(run, KT_ORIGIN_OWN, path, verdicts[finding.verdict].problem, value, "%s%s%s", finding.reason,
                          finding.verdict == KT_VOLUME_SPELLING ? "; write " : "",
                          finding.verdict == KT_VOLUME_SPELLING ? finding.kind : "");
}
