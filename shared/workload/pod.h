/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of a pod's spec. Private to shared/workload. Nodes live in the arena; see arena->failed at the end. */
#ifndef KT_WORKLOAD_POD_H
#define KT_WORKLOAD_POD_H

#include "base/embedded.h"
#include "text/json.h"

/* How much of what root could do a container keeps. */
enum kt_pod_rights {
    KT_POD_NO_NEW_RIGHTS,   /* what its image asks for, and never more */
    KT_POD_NO_CAPABILITIES, /* none of root's special rights */
    KT_POD_READ_ONLY,       /* and it writes to its volumes only */
};

/* A container that names the end of its log as the cause when it fails. */
cJSON *kt_pod_container(struct kt_arena *arena, const char *name, const char *image, enum kt_pod_rights rights);
/* An environment variable with exactly this value: '$' is doubled, because Kubernetes replaces $(NAME) in values. */
void kt_pod_env(struct kt_arena *arena, cJSON *container, const char *name, const char *value);
void kt_pod_mount(struct kt_arena *arena, cJSON *container, const char *volume, const char *path);
/* The same of a folder of the volume, which the kubelet makes with the container; read-only. */
void kt_pod_mount_part(struct kt_arena *arena, cJSON *container, const char *volume, const char *part,
                       const char *path);
/* The container runs this script with /bin/sh. Kubernetes looks for $(NAME) here too, so a script of ours has neither
 * `$$` nor `$(` before the name of one of its variables; a unit test keeps watch. */
void kt_pod_script(struct kt_arena *arena, cJSON *container, const struct kt_embedded *script);

/* {name, <kind>: source}; takes source. */
void kt_pod_volume(struct kt_arena *arena, cJSON *volumes, const char *name, const char *kind, cJSON *source);
/* A volume with the user's own source; without one (NULL) an emptyDir. */
void kt_pod_user_volume(struct kt_arena *arena, cJSON *volumes, const char *name, const cJSON *source);
/* {secret: {name, items: [{key: .dockerconfigjson, path}]}}, for a projected volume. */
cJSON *kt_pod_docker_config(struct kt_arena *arena, const char *secret, const char *path);

/* A toleration with effect NoSchedule; operator_ and value may be NULL. */
void kt_pod_tolerate(struct kt_arena *arena, cJSON *tolerations, const char *key, const char *operator_,
                     const char *value);

#endif
