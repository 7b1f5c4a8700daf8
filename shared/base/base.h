/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes and small macros that every other file may use.
 */
#ifndef KT_BASE_BASE_H
#define KT_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_NODISCARD __attribute__((warn_unused_result))
#define KT_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#define KT_MALLOC __attribute__((malloc))
#define KT_UNUSED __attribute__((unused))
/* Runs function(&variable) when the variable leaves its scope; function must accept a zeroed object. */
#define KT_CLEANUP(function) __attribute__((cleanup(function)))

#define KT_ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define KT_KIB ((uint64_t)1024)
#define KT_MIB (1024 * KT_KIB)
#define KT_GIB (1024 * KT_MIB)

#define KT_MIN(a, b) ((a) < (b) ? (a) : (b))
#define KT_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Takes a pointer out of a variable that a cleanup attribute would otherwise free. */
#define KT_STEAL(pointer)                           \
    __extension__({                                 \
        __typeof__(pointer) kt_stolen_ = (pointer); \
        (pointer) = NULL;                           \
        kt_stolen_;                                 \
    })

/* Closes *fd when it is not negative; for KT_CLEANUP. */
void kt_close_fd(int *fd);

/* malloc and friends for the few objects that outlive an arena. Never abort: NULL when there is no memory. */
void *kt_heap_alloc(size_t size) KT_MALLOC KT_NODISCARD; /* zeroed */
void *kt_heap_realloc(void *pointer, size_t size) KT_NODISCARD;
char *kt_heap_strdup(const char *text) KT_NODISCARD;
void kt_heap_free(void *pointer); /* accepts NULL */

/* Test hook: the n-th heap allocation from now (1 = the next) fails, and all after it; 0 switches it off. */
void kt_heap_fail_from(size_t nth);
/* The same for the n-th one alone: what comes after it goes on. */
void kt_heap_fail_once(size_t nth);
/* Allocations of this thread neither count nor fail from now on: for a server that a test runs beside what it tests. */
void kt_heap_spare_thread(void);
/* Number of heap allocations since the start of the process, arena blocks included. For tests and benchmarks. */
size_t kt_heap_allocation_count(void);

#endif
