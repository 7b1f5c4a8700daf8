/* SPDX-License-Identifier: Apache-2.0 */
/* What every object of the API has. Objects come from a cluster: any member may be absent or of the wrong kind. */
#ifndef KT_KUBE_OBJECT_H
#define KT_KUBE_OBJECT_H

#include "text/json.h"

/* metadata.name, metadata.namespace, metadata.uid; "" when absent. */
const char *kt_object_name(const cJSON *object);
const char *kt_object_namespace(const cJSON *object);
const char *kt_object_uid(const cJSON *object);
/* metadata.labels[key]; "" when absent. */
const char *kt_object_label(const cJSON *object, const char *key);

#endif
