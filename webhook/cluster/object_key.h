/* SPDX-License-Identifier: Apache-2.0 */
/* Namespace and name of a Workspace: what is queued. */
#ifndef KT_WEBHOOK_CLUSTER_OBJECT_KEY_H
#define KT_WEBHOOK_CLUSTER_OBJECT_KEY_H

struct kt_object_key {
    char namespace_[64];
    char name[254]; /* DNS-1123 subdomain: the API server's longest */
};

#endif
