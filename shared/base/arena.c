/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#if defined(__has_feature)
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#include <sanitizer/asan_interface.h>
/* By itself the sanitizer sees whole blocks only; told what is handed out, it finds reads beyond a piece and after a
 * reset too. */
#define FORBID(memory, size) ASAN_POISON_MEMORY_REGION(memory, size)
#define ALLOW(memory, size) ASAN_UNPOISON_MEMORY_REGION(memory, size)
#define GAP_BYTES alignof(max_align_t) /* between pieces */
#else
#define FORBID(memory, size) ((void)0)
#define ALLOW(memory, size) ((void)0)
#define GAP_BYTES ((size_t)0)
#endif

#define BLOCK_BYTES ((size_t)(32 * KT_KIB))
#define SMALL_TEXT_BYTES 512
#define ALIGNMENT alignof(max_align_t)

struct kt_arena_block {
    struct kt_arena_block *next;
    size_t size; /* of data */
    size_t used;
    max_align_t data[];
};

static size_t align_up(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

static void free_block(struct kt_arena_block *block)
{
    ALLOW(block->data, block->size);
    kt_heap_free(block);
}

void kt_arena_init(struct kt_arena *arena, size_t limit_bytes)
{
    *arena = (struct kt_arena){.limit_bytes = limit_bytes, .limit_work = KT_ARENA_ANY_WORK};
}

void kt_arena_reset(struct kt_arena *arena)
{
    size_t kept = 0;
    struct kt_arena_block **link = &arena->first;
    while (*link) {
        struct kt_arena_block *block = *link;
        if (kept + block->size <= KT_ARENA_KEEP_BYTES) {
            kept += block->size;
            block->used = 0;
            FORBID(block->data, block->size);
            link = &block->next;
        } else {
            *link = block->next;
            free_block(block);
        }
    }
    arena->current = arena->first;
    arena->kept_bytes = kept;
    arena->used_bytes = 0;
    arena->work = 0;
    arena->overworked = NULL;
    arena->failed = false;
}

void kt_arena_release(struct kt_arena *arena)
{
    while (arena->first) {
        struct kt_arena_block *next = arena->first->next;
        free_block(arena->first);
        arena->first = next;
    }
    *arena = (struct kt_arena){.limit_bytes = arena->limit_bytes, .limit_work = arena->limit_work};
}

void kt_arena_limit_work(struct kt_arena *arena, uint64_t limit_work)
{
    arena->limit_work = limit_work;
    arena->work = 0;
}

bool kt_arena_refuse_work(struct kt_arena *arena, const char *part)
{
    if (!arena->overworked)
        arena->overworked = part;
    arena->failed = true;
    return false;
}

/* A block with room for size: the next kept one, or a new one put right after the current. */
static struct kt_arena_block *block_with_room(struct kt_arena *arena, size_t size)
{
    for (struct kt_arena_block *block = arena->current; block; block = block->next) {
        if (block->size - block->used >= size)
            return block;
    }
    size_t block_size = KT_MAX(size, BLOCK_BYTES);
    struct kt_arena_block *block = kt_heap_alloc(sizeof(*block) + block_size);
    if (!block)
        return NULL;
    block->size = block_size;
    FORBID(block->data, block_size);
    if (arena->current) {
        block->next = arena->current->next;
        arena->current->next = block;
    } else {
        block->next = arena->first;
        arena->first = block;
    }
    return block;
}

void *kt_arena_alloc(struct kt_arena *arena, size_t size)
{
    size_t left = arena->limit_bytes - KT_MIN(arena->used_bytes, arena->limit_bytes);
    if (size > SIZE_MAX / 2 || align_up(size) > left) {
        arena->failed = true;
        return NULL;
    }
    size_t aligned = align_up(size);
    struct kt_arena_block *block = block_with_room(arena, aligned + GAP_BYTES);
    if (!block) {
        arena->failed = true;
        return NULL;
    }
    /* A large request must not hide the room that is left in the current block. */
    if (aligned < BLOCK_BYTES / 4 || !arena->current)
        arena->current = block;
    void *memory = (char *)block->data + block->used;
    block->used += aligned + GAP_BYTES;
    arena->used_bytes += aligned;
    arena->high_water_bytes = KT_MAX(arena->high_water_bytes, arena->used_bytes);
    ALLOW(memory, size);
    return memset(memory, 0, size);
}

void *kt_arena_calloc(struct kt_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        arena->failed = true;
        return NULL;
    }
    return kt_arena_alloc(arena, total);
}

char *kt_arena_strndup(struct kt_arena *arena, const char *text, size_t length)
{
    char *copy = length == SIZE_MAX ? NULL : kt_arena_alloc(arena, length + 1);
    if (copy && length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *kt_arena_strdup(struct kt_arena *arena, const char *text)
{
    return kt_arena_strndup(arena, text, strlen(text));
}

struct kt_str kt_arena_str(struct kt_arena *arena, struct kt_str text)
{
    char *copy = kt_arena_strndup(arena, text.data, text.length);
    return copy ? (struct kt_str){copy, text.length} : (struct kt_str){0};
}

char *kt_arena_printf(struct kt_arena *arena, const char *format, ...)
{
    /* Most texts fit here and are formatted once; a longer one is formatted again into its place. */
    char small[SMALL_TEXT_BYTES];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(small, sizeof(small), format, arguments);
    va_end(arguments);
    char *text = NULL;
    if (length >= 0 && (size_t)length < sizeof(small))
        text = kt_arena_strndup(arena, small, (size_t)length);
    else if (length >= 0)
        text = kt_arena_alloc(arena, (size_t)length + 1);
    if (text && (size_t)length >= sizeof(small))
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
