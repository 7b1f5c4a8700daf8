/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API as a source of observations (workload/observe.h): one request for each question. What the user may not read,
 * and what is more than a command reads, is said in a warning.
 */
#ifndef KT_PLUGIN_API_SOURCE_H
#define KT_PLUGIN_API_SOURCE_H

#include "plugin/connection.h"
#include "workload/observe.h"

struct kt_api_source {
    struct kt_connection *connection;
    struct kt_arena *arena; /* of all that is found */
};

/* Points to source, which must live as long. */
struct kt_object_source kt_api_source_view(struct kt_api_source *source);

struct kt_api_query {
    const struct kt_resource *resource;
    const char *namespace_; /* NULL: all */
    const char *label_selector, *field_selector;
    size_t most_items, most_bytes; /* more: KT_ELIMIT; 0: the limits of every list */
    bool has_other_way;            /* KT_ELIMIT is not said: the question can be asked otherwise */
};
/* A list. A type that the server does not know is empty. */
int kt_api_source_list(const struct kt_api_source *source, const struct kt_api_query *query, struct kt_objects *ret,
                       struct kt_error *error) KT_NODISCARD;

#endif
