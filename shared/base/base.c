/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Atomics, because worker threads allocate too; relaxed order is enough for a counter. */
static atomic_size_t allocation_count;
static atomic_size_t fail_countdown;
static atomic_bool fails_once;
static _Thread_local bool is_spared;

static bool must_fail(void)
{
    if (is_spared)
        return false;
    atomic_fetch_add_explicit(&allocation_count, 1, memory_order_relaxed);
    size_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (left == 0)
        return false;
    if (left == 1) {
        if (atomic_load_explicit(&fails_once, memory_order_relaxed))
            atomic_store_explicit(&fail_countdown, 0, memory_order_relaxed);
        return true; /* otherwise it stays at 1: every later allocation fails too */
    }
    atomic_store_explicit(&fail_countdown, left - 1, memory_order_relaxed);
    return false;
}

void kt_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void *kt_heap_alloc(size_t size)
{
    return must_fail() ? NULL : calloc(1, size);
}

void *kt_heap_realloc(void *pointer, size_t size)
{
    return must_fail() ? NULL : realloc(pointer, size);
}

char *kt_heap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = kt_heap_alloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void kt_heap_free(void *pointer)
{
    free(pointer);
}

void kt_heap_fail_from(size_t nth)
{
    atomic_store_explicit(&fails_once, false, memory_order_relaxed);
    atomic_store_explicit(&fail_countdown, nth, memory_order_relaxed);
}

void kt_heap_fail_once(size_t nth)
{
    kt_heap_fail_from(nth);
    atomic_store_explicit(&fails_once, true, memory_order_relaxed);
}

void kt_heap_spare_thread(void)
{
    is_spared = true;
}

size_t kt_heap_allocation_count(void)
{
    return atomic_load_explicit(&allocation_count, memory_order_relaxed);
}
