/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/reconcile/delay_heap.h"

static void set_place(struct kt_delay_heap *heap, size_t index, struct kt_delayed *thing)
{
    heap->places[index] = thing;
    thing->index = index;
}

static void move_up(struct kt_delay_heap *heap, struct kt_delayed *thing)
{
    size_t index = thing->index;
    while (index > 0 && heap->places[(index - 1) / 2]->due_ms > thing->due_ms) {
        set_place(heap, index, heap->places[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    set_place(heap, index, thing);
}

static void move_down(struct kt_delay_heap *heap, struct kt_delayed *thing)
{
    size_t index = thing->index;
    for (;;) {
        size_t child = 2 * index + 1;
        if (child + 1 < heap->count && heap->places[child + 1]->due_ms < heap->places[child]->due_ms)
            child++;
        if (child >= heap->count || heap->places[child]->due_ms >= thing->due_ms)
            break;
        set_place(heap, index, heap->places[child]);
        index = child;
    }
    set_place(heap, index, thing);
}

bool kt_delay_heap_put(struct kt_delay_heap *heap, struct kt_delayed *thing, int64_t due_ms)
{
    if (thing->index != KT_NOT_DELAYED) {
        thing->due_ms = KT_MIN(thing->due_ms, due_ms);
        move_up(heap, thing);
        return true;
    }
    if (heap->count == heap->capacity) {
        size_t capacity = KT_MAX(heap->capacity * 2, (size_t)16);
        struct kt_delayed **grown = kt_heap_realloc(heap->places, capacity * sizeof(struct kt_delayed *));
        if (!grown)
            return false;
        heap->places = grown;
        heap->capacity = capacity;
    }
    thing->due_ms = due_ms;
    thing->index = heap->count++;
    move_up(heap, thing);
    return true;
}

struct kt_delayed *kt_delay_heap_take(struct kt_delay_heap *heap, int64_t now_ms)
{
    if (heap->count == 0 || heap->places[0]->due_ms > now_ms)
        return NULL;
    struct kt_delayed *first = heap->places[0], *last = heap->places[--heap->count];
    first->index = KT_NOT_DELAYED;
    if (last != first) {
        last->index = 0;
        move_down(heap, last);
    }
    return first;
}

bool kt_delay_heap_next(const struct kt_delay_heap *heap, int64_t *ret_due_ms)
{
    if (heap->count == 0)
        return false;
    *ret_due_ms = heap->places[0]->due_ms;
    return true;
}

void kt_delay_heap_release(struct kt_delay_heap *heap)
{
    kt_heap_free(heap->places);
    *heap = (struct kt_delay_heap){0};
}
