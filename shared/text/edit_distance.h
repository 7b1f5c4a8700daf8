/* SPDX-License-Identifier: Apache-2.0 */
/* Nearest-name search for "did you mean". */
#ifndef KT_TEXT_EDIT_DISTANCE_H
#define KT_TEXT_EDIT_DISTANCE_H

#include "base/str.h"

/* Optimal string alignment distance (insert, delete, replace, swap neighbours), without regard to ASCII case.
 * Texts longer than 128 bytes give SIZE_MAX. */
size_t kt_edit_distance(struct kt_str a, struct kt_str b);

/* Where each byte stands in a text of at most 128 bytes, one bit a place: with it a distance takes a few instructions
 * for each byte of the other text. */
struct kt_edit_places {
    uint64_t low[256];  /* places 0 to 63 */
    uint64_t high[256]; /* places 64 to 127 */
};

/* Keeps the best candidate seen so far. */
struct kt_nearest {
    struct kt_str wanted;
    const char *best; /* NULL: nothing near enough */
    size_t best_distance;
    struct kt_edit_places places; /* of wanted */
};
void kt_nearest_init(struct kt_nearest *nearest, struct kt_str wanted);
/* Steps of work (base/arena.h) that one offer takes at most. */
#define KT_NEAREST_STEPS 250
/* A candidate counts when its distance is at most a third of the longer length (at least 1), or when it contains the
 * wanted text or is contained in it (4 or more characters), and never when it shares nothing with it. One that begins
 * with the wanted text goes before all others; otherwise the smallest distance wins, and the first offered of equals.
 */
void kt_nearest_offer(struct kt_nearest *nearest, const char *candidate);

#endif
