/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: memory that is taken piece by piece and given back all at once, with a hard limit. One per admission
 * request or per plugin command; nothing inside is freed alone.
 *
 * When memory or the limit is exhausted an allocation returns NULL and `failed` stays true until the next reset, so
 * that code which builds many small things may check once at its end.
 *
 * Work is counted beside memory, because whoever makes a request can make it slow as well as large: loops that run on
 * input tell the arena how far they go, and it ends them when the request has had its share.
 */
#ifndef KT_BASE_ARENA_H
#define KT_BASE_ARENA_H

#include "base/base.h"
#include "base/str.h"

struct kt_arena_block;

struct kt_arena {
    struct kt_arena_block *first;
    struct kt_arena_block *current;
    size_t limit_bytes;      /* allocations beyond this total fail */
    size_t used_bytes;       /* handed out since the last reset */
    size_t high_water_bytes; /* the largest used_bytes ever */
    size_t kept_bytes;       /* blocks that a reset keeps for the next use */
    uint64_t limit_work;     /* steps of work that a use may take */
    uint64_t work;           /* steps since the last reset */
    const char *overworked;  /* what the step beyond the limit was for; NULL: there was none since the last reset */
    bool failed;             /* an allocation or a step was refused since the last reset */
};

/* No memory is taken before the first allocation. */
void kt_arena_init(struct kt_arena *arena, size_t limit_bytes);
/* Everything handed out becomes invalid. Blocks up to KT_ARENA_KEEP_BYTES stay, the rest goes back to the system. */
void kt_arena_reset(struct kt_arena *arena);
/* Frees all; accepts a zeroed arena. For KT_CLEANUP. */
void kt_arena_release(struct kt_arena *arena);

/* Counts from here on, against another limit than KT_ARENA_ANY_WORK, which an arena begins with; a reset keeps it. */
void kt_arena_limit_work(struct kt_arena *arena, uint64_t limit_work);
#define KT_ARENA_ANY_WORK UINT64_MAX
/* The end of kt_arena_work. */
bool kt_arena_refuse_work(struct kt_arena *arena, const char *part);
/* Counts steps, each about what it takes to look at one byte with care (10 to 15 instructions). False when they are
 * more than the limit leaves: the loop that asked stops, `failed` is set, and `part` (a constant that a user
 * understands, "tuning.input.urls") is remembered in `overworked`. Work is asked for before it is done. */
static inline bool kt_arena_work(struct kt_arena *arena, size_t steps, const char *part)
{
    if (arena->overworked || steps > arena->limit_work - arena->work)
        return kt_arena_refuse_work(arena, part);
    arena->work += steps;
    return true;
}

#define KT_ARENA_KEEP_BYTES ((size_t)(256 * KT_KIB))

/* Zeroed memory aligned for any type, or NULL (see above). size 0 gives a valid pointer. */
void *kt_arena_alloc(struct kt_arena *arena, size_t size) KT_NODISCARD;
/* count * size with overflow check. */
void *kt_arena_calloc(struct kt_arena *arena, size_t count, size_t size) KT_NODISCARD;
/* NUL-terminated copies. */
char *kt_arena_strdup(struct kt_arena *arena, const char *text) KT_NODISCARD;
char *kt_arena_strndup(struct kt_arena *arena, const char *text, size_t length) KT_NODISCARD;
struct kt_str kt_arena_str(struct kt_arena *arena, struct kt_str text) KT_NODISCARD;
char *kt_arena_printf(struct kt_arena *arena, const char *format, ...) KT_PRINTF(2, 3) KT_NODISCARD;

#endif
