/* SPDX-License-Identifier: Apache-2.0 */
#include "text/edit_distance.h"

#define LONGEST 128
/* Below this length a text is contained in nearly everything. */
#define CONTAINED_AT_LEAST 4

size_t kt_edit_distance(struct kt_str a, struct kt_str b)
{
    if (a.length > LONGEST || b.length > LONGEST)
        return SIZE_MAX;
    /* Three rows of the table of distances between prefixes: a swap looks two rows back. */
    unsigned char rows[3][LONGEST + 1];
    unsigned char *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.length; j++)
        above[j] = (unsigned char)j;
    for (size_t i = 1; i <= a.length; i++) {
        row[0] = (unsigned char)i;
        for (size_t j = 1; j <= b.length; j++) {
            char here = kt_ascii_lower(a.data[i - 1]), there = kt_ascii_lower(b.data[j - 1]);
            unsigned best = above[j - 1] + (here == there ? 0u : 1u);
            best = KT_MIN(best, above[j] + 1u);
            best = KT_MIN(best, row[j - 1] + 1u);
            if (i > 1 && j > 1 && here == kt_ascii_lower(b.data[j - 2]) && there == kt_ascii_lower(a.data[i - 2]))
                best = KT_MIN(best, before[j - 2] + 1u);
            row[j] = (unsigned char)best;
        }
        unsigned char *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.length];
}

static bool starts_with_nocase(struct kt_str text, struct kt_str prefix)
{
    return text.length >= prefix.length && kt_str_equal_nocase((struct kt_str){text.data, prefix.length}, prefix);
}

static bool contains_nocase(struct kt_str text, struct kt_str part)
{
    if (part.length < CONTAINED_AT_LEAST)
        return false;
    for (size_t i = 0; i + part.length <= text.length; i++)
        if (starts_with_nocase((struct kt_str){text.data + i, text.length - i}, part))
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
}

void kt_nearest_offer(struct kt_nearest *nearest, const char *candidate)
{
    struct kt_str wanted = nearest->wanted, offered = kt_str(candidate);
    size_t distance = kt_edit_distance(wanted, offered);
    if (distance == SIZE_MAX)
        return;
    size_t allowed = KT_MAX((size_t)1, KT_MAX(wanted.length, offered.length) / 3);
    bool near = distance <= allowed && distance < KT_MAX(wanted.length, offered.length);
    if (!near && !contains_nocase(offered, wanted) && !contains_nocase(wanted, offered))
        return;
    bool completes = is_completion(wanted, offered);
    bool best_completes = nearest->best && is_completion(wanted, kt_str(nearest->best));
    if (nearest->best && (completes != best_completes ? best_completes : distance >= nearest->best_distance))
        return;
    nearest->best = candidate;
    nearest->best_distance = distance;
}
