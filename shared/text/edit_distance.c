/* SPDX-License-Identifier: Apache-2.0 */
#include "text/edit_distance.h"

#define LONGEST 128
/* Below this length a text is contained in nearly everything. */
#define CONTAINED_AT_LEAST 4

/* One bit for each place in a text. */
__extension__ typedef unsigned __int128 place_set;

static void find_places(struct kt_edit_places *places, struct kt_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)kt_ascii_lower(text.data[i]);
        uint64_t *half = i < 64 ? &places->low[byte] : &places->high[byte];
        *half |= UINT64_C(1) << (i % 64);
    }
}

/* The table of distances between prefixes of a (whose places are given) and of b, column by column: a column is the two
 * sets of places where the distance is one more (`above`) or one less (`below`) than at the place before. Hyyro, "A
 * Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit Distances", 2003. One function for texts whose places
 * fit into 64 bits, as nearly all do, and one for longer ones. */
#define DEFINE_DISTANCE(name, set, PLACES)                                                         \
    static size_t name(const struct kt_edit_places *of_a, size_t a_length, struct kt_str b)        \
    {                                                                                              \
        set above = ~(set)0, below = 0, diagonal = 0, before = 0, last = (set)1 << (a_length - 1); \
        size_t distance = a_length;                                                                \
        for (size_t j = 0; j < b.length; j++) {                                                    \
            unsigned char byte = (unsigned char)kt_ascii_lower(b.data[j]);                         \
            set here = PLACES(of_a, byte);                                                         \
            set swapped = ((~diagonal & here) << 1) & before;                                      \
            diagonal = (((here & above) + above) ^ above) | here | below | swapped;                \
            set more = below | ~(diagonal | above), fewer = diagonal & above;                      \
            distance += (more & last) != 0;                                                        \
            distance -= (fewer & last) != 0;                                                       \
            more = more << 1 | 1;                                                                  \
            above = fewer << 1 | ~(diagonal | more);                                               \
            below = more & diagonal;                                                               \
            before = here;                                                                         \
        }                                                                                          \
        return distance;                                                                           \
    }
#define LOW_PLACES(of_a, byte) (of_a)->low[byte]
#define ALL_PLACES(of_a, byte) ((place_set)(of_a)->high[byte] << 64 | (of_a)->low[byte])
DEFINE_DISTANCE(distance_of_short, uint64_t, LOW_PLACES)
DEFINE_DISTANCE(distance_of_long, place_set, ALL_PLACES)

static size_t distance_by_places(const struct kt_edit_places *of_a, size_t a_length, struct kt_str b)
{
    if (a_length == 0)
        return b.length;
    return a_length <= 64 ? distance_of_short(of_a, a_length, b) : distance_of_long(of_a, a_length, b);
}

size_t kt_edit_distance(struct kt_str a, struct kt_str b)
{
    if (a.length > LONGEST || b.length > LONGEST)
        return SIZE_MAX;
    struct kt_edit_places places = {{0}, {0}};
    find_places(&places, a);
    return distance_by_places(&places, a.length, b);
}

static bool starts_with_nocase(struct kt_str text, struct kt_str prefix)
{
    return text.length >= prefix.length && kt_str_equal_nocase((struct kt_str){text.data, prefix.length}, prefix);
}

static bool contains_nocase(struct kt_str text, struct kt_str part)
{
    if (part.length < CONTAINED_AT_LEAST)
        return false;
    char first = kt_ascii_lower(part.data[0]);
    for (size_t i = 0; i + part.length <= text.length; i++)
        if (kt_ascii_lower(text.data[i]) == first &&
            starts_with_nocase((struct kt_str){text.data + i, text.length - i}, part))
            return true;
    return false;
}

/* The user stopped typing too early: "phi-3-mini" for "phi-3-mini-128k-instruct". Goes before a similar other name. */
static bool is_completion(struct kt_str wanted, struct kt_str candidate)
{
    return wanted.length >= CONTAINED_AT_LEAST && starts_with_nocase(candidate, wanted);
}

void kt_nearest_init(struct kt_nearest *nearest, struct kt_str wanted)
{
    *nearest = (struct kt_nearest){.wanted = wanted, .best_distance = SIZE_MAX};
    if (wanted.length <= LONGEST)
        find_places(&nearest->places, wanted);
}

void kt_nearest_offer(struct kt_nearest *nearest, const char *candidate)
{
    struct kt_str wanted = nearest->wanted, offered = kt_str(candidate);
    size_t longer = KT_MAX(wanted.length, offered.length), shorter = KT_MIN(wanted.length, offered.length);
    size_t allowed = KT_MAX((size_t)1, longer / 3);
    if (longer > LONGEST)
        return;
    bool contained = contains_nocase(offered, wanted) || contains_nocase(wanted, offered);
    if (!contained && longer - shorter > allowed) /* so many must be added */
        return;
    size_t distance = distance_by_places(&nearest->places, wanted.length, offered);
    bool near = distance <= allowed && distance < longer;
    if (!near && !contained)
        return;
    bool completes = is_completion(wanted, offered);
    bool best_completes = nearest->best && is_completion(wanted, kt_str(nearest->best));
    if (nearest->best && (completes != best_completes ? best_completes : distance >= nearest->best_distance))
        return;
    nearest->best = candidate;
    nearest->best_distance = distance;
}
