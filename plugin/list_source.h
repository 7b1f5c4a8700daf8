/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same for many Workspaces at once: one list a kind, dealt out of sorted tables, so that n Workspaces with m
 * objects cost (n + m) log m. Nodes are listed when the first Workspace asks for one: those that carry the label of a
 * Workspace, and all nodes when one is asked for that is not among them. There are no events.
 */
#ifndef KT_PLUGIN_LIST_SOURCE_H
#define KT_PLUGIN_LIST_SOURCE_H

#include "plugin/api_source.h"

struct kt_list_source;

/* namespace_ NULL: all. In the arena of the API source, which must live as long. Fails with what a list fails with, but
 * what may not be read is unseen. */
int kt_list_source_new(struct kt_api_source *api, const char *namespace_, struct kt_list_source **ret,
                       struct kt_error *error) KT_NODISCARD;
struct kt_object_source kt_list_source_view(struct kt_list_source *source);

#endif
