/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the build compiles in as text (see EMBEDDED in the Makefile). NUL-terminated beyond length. */
#ifndef KT_BASE_EMBEDDED_H
#define KT_BASE_EMBEDDED_H

#include "base/base.h"

struct kt_embedded {
    const char *text;
    size_t length;
};

extern const struct kt_embedded kt_embedded_crd;           /* manifests/crd/kaito.sh_workspaces.yaml */
extern const struct kt_embedded kt_embedded_training_keys; /* shared/admission/training_keys.yaml */
extern const struct kt_embedded kt_embedded_templates;     /* manifests/base/templates.yaml: the tuning templates */
/* shared/workload/scripts/: what runs in the containers of a tuning beside the trainer */
extern const struct kt_embedded kt_embedded_download_data;
extern const struct kt_embedded kt_embedded_pull_data;
extern const struct kt_embedded kt_embedded_adapter_output;
extern const struct kt_embedded kt_embedded_dataset; /* of these the one in Python */

#endif
