/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit on what an input may make us hold or do, in one place. Reaching a limit is a clear error (KT_ELIMIT) that
 * names the limit; nothing is ever cut short in silence.
 */
#ifndef KT_BASE_LIMITS_H
#define KT_BASE_LIMITS_H

#include "base/base.h"

/* Body of an admission request: two objects of at most 1.5 MiB (etcd takes no larger ones: --max-request-bytes) and the
 * envelope. */
#define KT_LIMIT_REVIEW_BODY_BYTES ((size_t)(4 * KT_MIB))
/* Where in a body that cannot be read its uid is looked for; an API server writes it in the first hundred bytes. */
#define KT_LIMIT_REVIEW_TOKEN_BYTES ((size_t)(64 * KT_KIB))
/* Values in the new and the old object together. A Workspace with a pod template and managed fields has about 1000. */
#define KT_LIMIT_REVIEW_NODES 20000
/* Steps of work of one review (base/arena.h), of 10 to 15 instructions each: with what is not counted it stays below
 * 100 million instructions, a few hundredths of a second. A usual one takes some 30,000 steps. */
#define KT_LIMIT_REVIEW_WORK UINT64_C(5000000)
/* The text of a training or inference config: those of real trainings have 2 to 4 KiB. */
#define KT_LIMIT_CONFIG_TEXT_BYTES ((size_t)(64 * KT_KIB))
/* A config of up to this size is read when its ConfigMap comes, with this many steps of work, and kept as a tree of at
 * most so many bytes; others are read in each review that needs them. That of a real training has 60 values. */
#define KT_LIMIT_KEPT_CONFIG_BYTES ((size_t)(16 * KT_KIB))
#define KT_LIMIT_KEPT_CONFIG_TREE_BYTES ((size_t)(64 * KT_KIB))
#define KT_LIMIT_KEPT_CONFIG_WORK UINT64_C(500000)
/* Memory to take in one ConfigMap. */
#define KT_LIMIT_CONFIG_MAP_ARENA_BYTES ((size_t)(8 * KT_MIB))
/* What is beyond the small part of all bodies and answers that are in flight, over all connections. Together with the
 * other budgets of this file it keeps below limits.memory of manifests/base/deployment.yaml: see the table at its end.
 * Beyond it a large request is answered 503 (the API server's client then sees a failed call); a small one, which
 * nearly every review is, passes. */
#define KT_LIMIT_BODIES_BYTES ((size_t)(24 * KT_MIB))
#define KT_LIMIT_SMALL_BODY_BYTES ((size_t)(64 * KT_KIB))
/* Arena of one review: body, tree, findings, patch and answer. A cJSON node costs 64 bytes, so nodes are bounded too.
 */
#define KT_LIMIT_REVIEW_ARENA_BYTES ((size_t)(24 * KT_MIB))
/* The answer to a review: it repeats the uid, which is one string of the request. */
#define KT_LIMIT_ANSWER_BYTES ((size_t)(4 * KT_MIB))
#define KT_LIMIT_JSON_DEPTH 64
#define KT_LIMIT_JSON_NODES 100000
/* Between the quotes, escapes as they are written. */
#define KT_LIMIT_JSON_STRING_BYTES ((size_t)(7 * KT_MIB))
/* Members of one object: a lookup is linear in it. */
#define KT_LIMIT_JSON_MEMBERS 20000
/* Digits of one number; more than any double or 64-bit integer can use. */
#define KT_LIMIT_JSON_NUMBER_BYTES ((size_t)1024)
/* Depth of a tree that our own code builds or patches: a parsed one and what is wrapped round it. */
#define KT_LIMIT_TREE_DEPTH 128

/* One manifest file (or standard input) of the plugin. */
#define KT_LIMIT_MANIFEST_BYTES ((size_t)(4 * KT_MIB))
#define KT_LIMIT_MANIFEST_DOCUMENTS 1000
#define KT_LIMIT_MANIFEST_FILES 2000
#define KT_LIMIT_YAML_DEPTH 64
#define KT_LIMIT_YAML_NODES 100000
/* Nodes that alias expansion may add in one document; stops alias bombs. */
#define KT_LIMIT_YAML_ALIAS_NODES 10000
/* Anchors of one document; each alias looks through them. */
#define KT_LIMIT_YAML_ANCHORS 1000
/* Keys given twice that are remembered of one document. */
#define KT_LIMIT_YAML_DUPLICATES 256
/* Lines before a document that begin with '%'; libyaml compares each with all others. */
#define KT_LIMIT_YAML_DIRECTIVES 16
/* Memory of one plugin command. */
#define KT_LIMIT_COMMAND_ARENA_BYTES ((size_t)(256 * KT_MIB))

#define KT_LIMIT_KUBECONFIG_BYTES ((size_t)KT_MIB)
/* Entries of one list (clusters, users, contexts); looking for a name twice is quadratic. */
#define KT_LIMIT_KUBECONFIG_ENTRIES ((size_t)4000)
/* Files in $KUBECONFIG. */
#define KT_LIMIT_KUBECONFIG_FILES ((size_t)64)
/* Path and query of an API request. */
#define KT_LIMIT_API_URL_BYTES ((size_t)(16 * KT_KIB))
/* Causes of one refusal (metav1.Status) that are read. */
#define KT_LIMIT_STATUS_CAUSES ((size_t)256)
#define KT_LIMIT_CREDENTIAL_FILE_BYTES ((size_t)KT_MIB)
#define KT_LIMIT_EXEC_OUTPUT_BYTES ((size_t)KT_MIB)
#define KT_LIMIT_API_REPLY_BYTES ((size_t)(16 * KT_MIB))
#define KT_LIMIT_API_LIST_BYTES ((size_t)(64 * KT_MIB))
/* Pages of one list, those without an item among them, and its time. A page may be empty, but a server that keeps
 * saying "go on" must not hold us for ever; and etcd forgets what a continue token needs after 5 to 10 minutes
 * (kube-apiserver --etcd-compaction-interval). */
#define KT_LIMIT_LIST_PAGES ((size_t)20000)
#define KT_LIMIT_LIST_EMPTY_PAGES ((size_t)100)
#define KT_LIMIT_LIST_MS ((int64_t)600000)
/* An object of 1 MiB whose every character is written as an escape has 6 MiB. */
#define KT_LIMIT_WATCH_LINE_BYTES ((size_t)(8 * KT_MIB))
/* A page of a list that the server reads, when it holds more than one object: a smaller page is asked for. */
#define KT_LIMIT_API_PAGE_BYTES ((size_t)(2 * KT_MIB))
/* All Nodes of a cluster, as the plugin lists them for a table of Workspaces: some 1000. With more of them it asks for
 * those of each Workspace. */
#define KT_LIMIT_ALL_NODES_BYTES ((size_t)(12 * KT_MIB))
/* Objects of a list that is watched, unless the watcher says otherwise. */
#define KT_LIMIT_WATCH_ITEMS 5000
/* Of a list that the server reads, page by page, to find what it keeps: most ConfigMaps of a cluster are none of ours.
 */
#define KT_LIMIT_WATCH_LIST_ITEMS ((size_t)200000)
#define KT_LIMIT_WATCH_LIST_BYTES ((size_t)(2 * KT_GIB))
/* Of look-ups that have come back and wait for their review. */
#define KT_LIMIT_LOOKUP_BYTES ((size_t)(4 * KT_MIB))

/* What the server keeps of its cluster: objects of one kind, and bytes of each. Of Nodes some 5000 fit; a Workspace
 * under way takes about 20 KiB in all, so that some 2500 do. What does not fit is unknown, not absent. */
#define KT_LIMIT_STORE_OBJECTS 20000
#define KT_LIMIT_STORE_WORKSPACE_BYTES ((size_t)(12 * KT_MIB))
#define KT_LIMIT_STORE_NODE_CLAIM_BYTES ((size_t)(6 * KT_MIB))
#define KT_LIMIT_STORE_NODE_BYTES ((size_t)(20 * KT_MIB))
#define KT_LIMIT_STORE_JOB_BYTES ((size_t)(8 * KT_MIB))
#define KT_LIMIT_STORE_POD_BYTES ((size_t)(8 * KT_MIB))
#define KT_LIMIT_STORE_CONFIG_MAP_BYTES ((size_t)(8 * KT_MIB))
/* A namespace holds at most this part (one in ...) of what is kept of a kind: whoever may write in one does not crowd
 * out the others. */
#define KT_LIMIT_NAMESPACE_SHARE 4
/* Workspaces that may wait to be looked at. */
#define KT_LIMIT_QUEUE_KEYS 20000
/* Memory of one look at one Workspace. */
#define KT_LIMIT_RECONCILE_ARENA_BYTES ((size_t)(12 * KT_MIB))
/* The Lease of the reconciler; etcd takes no object beyond 1.5 MiB (etcd --max-request-bytes). */
#define KT_LIMIT_LEASE_BYTES ((size_t)(2 * KT_MIB))
/* All URLs of a tuning's data, in one environment variable: Linux takes 128 KiB for a name and its value
 * (MAX_ARG_STRLEN), and a dollar sign is not doubled any more when it gets there. */
#define KT_LIMIT_DATA_URLS_BYTES ((size_t)(120 * KT_KIB))

#define KT_LIMIT_HTTP_HEADER_BYTES ((size_t)(16 * KT_KIB))

/* Findings of one review; a hostile object cannot make the answer larger than this. */
#define KT_LIMIT_FINDINGS 256
/* The API server keeps every warning whole while they total 4096 characters (apiserver filters/warning.go). */
#define KT_LIMIT_WARNINGS 16
#define KT_LIMIT_WARNING_RUNES 256
#define KT_LIMIT_MESSAGE_BYTES 4096
/* The API server refuses a JSON Patch of more operations (apiserver endpoints/handlers/patch.go). */
#define KT_LIMIT_PATCH_OPERATIONS 10000

/* One row of a file of training data, as text. A model's whole context is below 1 MiB. */
#define KT_LIMIT_DATASET_ROW_BYTES ((size_t)(16 * KT_MIB))
/* Fields of a record of CSV. */
#define KT_LIMIT_DATASET_COLUMNS 1000
/* The footer of a Parquet file, its schema's elements, and how deep types may stand in types. */
#define KT_LIMIT_PARQUET_FOOTER_BYTES ((size_t)(64 * KT_MIB))
#define KT_LIMIT_PARQUET_ELEMENTS 10000
#define KT_LIMIT_PARQUET_DEPTH 32

#define KT_LIMIT_CATALOG_FILE_BYTES ((size_t)(4 * KT_MIB))
/* Models, and as many machine types, that a user may add to the catalogue. */
#define KT_LIMIT_CATALOG_ENTRIES 256

/*
 * The memory of kaito-webhook when everything is at its limit at once, with the flags of
 * manifests/base/deployment.yaml. tests/unit/test_memory_budget.c adds it up and compares it with limits.memory there.
 *
 *   at rest: program, libraries, stacks, certificates               24 MiB
 *   connections: TLS state and a buffer                             16      32 KiB each (80 in their handshake, when
 *                                                                           they have no body)
 *   their bodies' small parts                                       32      KT_LIMIT_SMALL_BODY_BYTES each
 *   the rest of bodies, and answers                                 24      KT_LIMIT_BODIES_BYTES
 *   reviews under way                                               48      KT_LIMIT_REVIEW_ARENA_BYTES each of 2
 *   and their answers                                                8      KT_LIMIT_ANSWER_BYTES each of 2
 *   look-ups that have come back                                     4      KT_LIMIT_LOOKUP_BYTES
 *   the cache of the cluster                                        62      KT_LIMIT_STORE_*_BYTES
 *   the queue, and which claims were seen                            8      400 bytes for each of KT_LIMIT_QUEUE_KEYS
 *   and the release namespace's room beyond it                       9      one in KT_LIMIT_NAMESPACE_SHARE
 *   watches: a page as text and as tree, and a line                 72      2 * KT_LIMIT_API_PAGE_BYTES and
 *                                                                           KT_LIMIT_WATCH_LINE_BYTES each of 6
 *   ConfigMaps that are taken in, by their watch and by look-ups     24      KT_LIMIT_CONFIG_MAP_ARENA_BYTES each of 3
 *   looks at Workspaces                                             48      KT_LIMIT_RECONCILE_ARENA_BYTES each of 4
 *                                                                  379
 *
 * Not in it: what the kernel holds for sockets, and single objects larger than a page, which only an API server sends.
 */
#define KT_MEMORY_AT_REST_BYTES ((size_t)(24 * KT_MIB))
#define KT_MEMORY_CONNECTION_BYTES ((size_t)(32 * KT_KIB))
#define KT_MEMORY_QUEUE_KEY_BYTES ((size_t)400)

#endif
