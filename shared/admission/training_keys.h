/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that the trainer in each image knows in each section of training_config.yaml: training_keys.yaml, which is
 * compiled in as text and read once. An image of NULL stands for the newest one. Used by the rules about tuning config
 * maps and by `tune --set Section.key=value`.
 */
#ifndef KT_ADMISSION_TRAINING_KEYS_H
#define KT_ADMISSION_TRAINING_KEYS_H

#include "base/error.h"
#include "base/str.h"
#include "catalog/images.h"
#include "text/json.h"

enum kt_training_type {
    KT_TRAINING_TEXT,
    KT_TRAINING_INT,
    KT_TRAINING_NUMBER,
    KT_TRAINING_FLAG,
    KT_TRAINING_TEXTS,
    KT_TRAINING_INTS,
    KT_TRAINING_MAP, /* the trainer's command line has no form for it: never to be given */
};

/* A bound of a number. */
struct kt_training_bound {
    bool set;
    bool open; /* the bound itself is not allowed */
    double value;
};

/* One key in the images that take it alike; where images differ it has several rows. */
struct kt_training_key {
    const char *section;
    const char *name;
    uint32_t images; /* bit i: the i-th of the parsers in training_keys.yaml has it */
    enum kt_training_type type;
    const char *default_text; /* as text; NULL: none */
    struct kt_training_bound low;
    struct kt_training_bound high;
    const char *const *choices; /* NULL-terminated; NULL: any text */
    const char *const *missing; /* of the choices, those whose library is not in the image; NULL: none */
};

/* The section names in the order of the file, NULL-terminated. NULL and *error only when memory is out. */
const char *const *kt_training_sections(struct kt_error *error);
/* All keys of all images, by section. NULL and *error only when memory is out. Loads on first use; thread-safe; never
 * freed. */
const struct kt_training_key *kt_training_keys(size_t *ret_count, struct kt_error *error);
/* Is it a section with keys, in any image? */
bool kt_training_section_has_keys(const char *section);
/* Has this image the key? */
bool kt_training_key_in(const struct kt_training_key *key, const struct kt_trainer_image *image);

/* Exact names. NULL when the image has no such key (and when memory is out). */
const struct kt_training_key *kt_training_key_find(const struct kt_trainer_image *image, const char *section,
                                                   const char *name);
/* A key of this name in another image, where this one has none: the one of the newest image that has it; or NULL. */
const struct kt_training_key *kt_training_key_elsewhere(const struct kt_trainer_image *image, const char *section,
                                                        const char *name);
/* The tag of the newest image that has the key. */
const char *kt_training_key_newest_image(const struct kt_training_key *key);

/* What a key that kt_training_key_find does not know may stand for. */
enum kt_training_guess {
    KT_TRAINING_GUESS_NONE,
    KT_TRAINING_GUESS_RENAMED,     /* an older or habitual name of `key` */
    KT_TRAINING_GUESS_MISPLACED,   /* exactly the name of `key`, in another section */
    KT_TRAINING_GUESS_ABBREVIATED, /* the trainer takes it for `key`: a beginning of that name alone, or - for _ */
    KT_TRAINING_GUESS_MISSPELT,    /* nearly `key` */
    KT_TRAINING_GUESS_NEAR,        /* somewhat like `key`: worth naming, no more */
};
enum kt_training_guess kt_training_key_guess(const struct kt_trainer_image *image, const char *section,
                                             const char *name, const struct kt_training_key **ret_key);

/* Nearest section name, or NULL. */
const char *kt_training_section_suggest(const char *name);

/* Why the trainer's command line refuses this value of the key; ret_reason gets a sentence part in the arena, such as
 * "must be a whole number of 1 or more". False when the value is fine. */
bool kt_training_value_check(struct kt_arena *arena, const struct kt_training_key *key, const cJSON *value,
                             const char **ret_reason);

/* A value as its user wrote it, for messages: text without quotes, the rest as JSON. In the arena. */
const char *kt_training_value_text(struct kt_arena *arena, const cJSON *value);

/* What the trainer makes of a scalar value: its parsers read text, so `"8"` is as good as 8. A list of one scalar is
 * that scalar. False when the value is absent or of another kind. */
bool kt_training_value_int(const cJSON *value, int64_t *ret);
bool kt_training_value_number(const cJSON *value, double *ret);
bool kt_training_value_flag(const cJSON *value, bool *ret);

#endif
