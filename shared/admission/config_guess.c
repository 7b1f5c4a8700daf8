/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a tuning config that the trainer does not know, and what each may stand for: found once for all rules. */
#include "admission/config_guess.h"

#include "base/limits.h"

/* Steps of work to look a key up, and to compare it with all that are like it. */
#define FIND_STEPS 150
#define SECTION_STEPS 400 /* its name beside those of all keys */
#define GUESS_STEPS 10000
#define PART "training_config.yaml"

/* Room for another, made when the first is needed: most configs need none. */
static struct kt_config_guess *next_guess(struct kt_arena *arena, struct kt_config_guesses **guesses)
{
    if (*guesses == NULL)
        *guesses = kt_arena_alloc(arena, sizeof(**guesses));
    if (*guesses == NULL || (*guesses)->count == KT_LIMIT_FINDINGS || !kt_arena_work(arena, GUESS_STEPS, PART))
        return NULL;
    return &(*guesses)->items[(*guesses)->count++];
}

/* False when no more need be looked for. */
static bool guess_in_section(struct kt_arena *arena, const struct kt_trainer_image *image, const cJSON *section,
                             struct kt_config_guesses **guesses)
{
    const cJSON *member = NULL;
    cJSON_ArrayForEach(member, section)
    {
        if (!kt_arena_work(arena, FIND_STEPS, PART))
            return false;
        if (kt_training_key_find(image, section->string, member->string) != NULL)
            continue;
        struct kt_config_guess *guess = next_guess(arena, guesses);
        if (guess == NULL)
            return false;
        *guess = (struct kt_config_guess){.section = section->string, .name = member->string};
        guess->what = kt_training_key_guess(image, section->string, member->string, &guess->key);
    }
    return true;
}

const struct kt_config_guesses *kt_config_guess_keys(struct kt_arena *arena, const struct kt_trainer_image *image,
                                                     const struct kt_tuning_config *config)
{
    const cJSON *section = NULL;
    struct kt_config_guesses *guesses = NULL;
    if (config->is_shipped || config->sections == NULL)
        return NULL; /* no key of a shipped one is wrong: tests/unit/test_shipped_templates.c */
    cJSON_ArrayForEach(section, config->sections)
    {
        if (!kt_arena_work(arena, SECTION_STEPS, PART))
            break;
        if (kt_json_is_object(section) && kt_training_section_has_keys(section->string) &&
            !guess_in_section(arena, image, section, &guesses))
            break;
    }
    return guesses;
}

static bool has_short_name(const struct kt_config_guesses *guesses)
{
    for (size_t i = 0; guesses != NULL && i < guesses->count; i++) {
        if (guesses->items[i].what == KT_TRAINING_GUESS_ABBREVIATED)
            return true;
    }
    return false;
}

/* The guesses stand in the order of the keys. */
const cJSON *kt_config_full_names(struct kt_arena *arena, const cJSON *sections,
                                  const struct kt_config_guesses *guesses)
{
    size_t next = 0;
    if (sections == NULL || !has_short_name(guesses))
        return sections;
    cJSON *full = kt_json_clone(arena, sections);
    cJSON *copy = full != NULL ? full->child : NULL;
    for (const cJSON *section = sections->child; section != NULL && copy != NULL; section = section->next) {
        cJSON *member_copy = copy->child;
        for (const cJSON *member = section->child; member != NULL && next < guesses->count; member = member->next) {
            const struct kt_config_guess *guess = &guesses->items[next];
            if (guess->name == member->string && guess->what == KT_TRAINING_GUESS_ABBREVIATED)
                member_copy->string = kt_arena_strdup(arena, guess->key->name);
            next += guess->name == member->string;
            member_copy = member_copy->next;
        }
        copy = copy->next;
    }
    return arena->failed ? sections : full;
}
