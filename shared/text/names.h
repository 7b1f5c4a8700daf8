/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes' syntax rules for names, labels and label values (k8s.io/apimachinery util/validation). Each function
 * returns NULL when the text is valid, otherwise one sentence part that says what is wrong and what is allowed (a
 * constant).
 */
#ifndef KT_TEXT_NAMES_H
#define KT_TEXT_NAMES_H

#include "base/str.h"

const char *kt_names_dns1123_label(struct kt_str text);     /* a-z 0-9 '-', at most 63 */
const char *kt_names_dns1123_subdomain(struct kt_str text); /* labels joined by '.', at most 253 */
const char *kt_names_dns1035_label(struct kt_str text);     /* as dns1123_label, but starts with a letter */
const char *kt_names_label_key(struct kt_str text);         /* [prefix/]name */
const char *kt_names_label_value(struct kt_str text);       /* empty or alphanumerics, '-', '_', '.', at most 63 */
const char *kt_names_config_map_key(struct kt_str text);

#endif
