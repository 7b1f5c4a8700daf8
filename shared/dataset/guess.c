/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is, and what the trainer takes it for. The trainer looks for words in the name, not for an ending
 * (upstream presets/workspace/tuning/text-generation/dataset.py). */
#include "dataset/dataset.h"

static const struct {
    const char *word;
    enum kt_dataset_format format; /* what the word promises */
} words[] = {
    {"csv", KT_DATASET_CSV},     {"json", KT_DATASET_JSON_ROWS},   {"parquet", KT_DATASET_PARQUET},
    {"arrow", KT_DATASET_OTHER}, {"webdataset", KT_DATASET_OTHER},
};

/* First bytes of what is no text. */
static const struct {
    const char *bytes;
    size_t length;
    enum kt_dataset_format format;
    const char *what;
    bool may_be_read; /* the trainer's libraries may open it, whatever its name says */
} beginnings[] = {
    {"PAR1", 4, KT_DATASET_PARQUET, "Parquet", false},
    {"PARE", 4, KT_DATASET_OTHER, "encrypted Parquet", false},
    {"ARROW1", 6, KT_DATASET_OTHER, "Arrow", true},
    {"\xff\xff\xff\xff", 4, KT_DATASET_OTHER, "Arrow", true},
    {"\x1f\x8b", 2, KT_DATASET_OTHER, "compressed by gzip", true},
    {"\x28\xb5\x2f\xfd", 4, KT_DATASET_OTHER, "compressed by zstd", true},
    {"BZh", 3, KT_DATASET_OTHER, "compressed by bzip2", true},
    {"\xfd"
     "7zXZ",
     5, KT_DATASET_OTHER, "compressed by xz", true},
    {"PK\x03\x04", 4, KT_DATASET_OTHER, "a zip archive or a spreadsheet", true},
    {"%PDF", 4, KT_DATASET_OTHER, "PDF", false},
    {"\xff\xfe", 2, KT_DATASET_OTHER, "text in UTF-16", false},
    {"\xfe\xff", 2, KT_DATASET_OTHER, "text in UTF-16", false},
};

static bool contains_word(struct kt_str name, struct kt_str word)
{
    for (size_t at = 0; at + word.length <= name.length; at++) {
        if (kt_str_equal_nocase((struct kt_str){name.data + at, word.length}, word))
            return true;
    }
    return false;
}

static enum kt_dataset_format find_words(const char *name, struct kt_dataset_guess *guess)
{
    enum kt_dataset_format promised = KT_DATASET_OTHER;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(words); i++) {
        if (!contains_word(kt_str(name), kt_str(words[i].word)))
            continue;
        if (!guess->word) {
            guess->word = words[i].word;
            promised = words[i].format;
        } else {
            guess->other_word = words[i].word;
        }
    }
    return promised;
}

/* Text has few control characters: one that stands in a row is told of with the row. */
static bool is_text(struct kt_str head)
{
    size_t controls = 0;
    for (size_t i = 0; i < head.length; i++)
        controls += (unsigned char)head.data[i] < ' ' && !strchr("\t\r\n", head.data[i] ? head.data[i] : 1);
    return controls <= head.length / 16;
}

static char first_letter(struct kt_str head)
{
    if (kt_str_starts_with(head, KT_STR("\xef\xbb\xbf")))
        head = (struct kt_str){head.data + 3, head.length - 3};
    for (size_t i = 0; i < head.length; i++) {
        if (!strchr(" \t\r\n", head.data[i]))
            return head.data[i];
    }
    return '\0';
}

static void guess_text(const char *name, struct kt_str head, enum kt_dataset_format promised,
                       struct kt_dataset_guess *guess)
{
    char letter = first_letter(head);
    bool is_json = guess->word ? kt_streq(guess->word, "json") : letter == '{' || letter == '[';
    bool is_csv = guess->word ? kt_streq(guess->word, "csv") : !name;
    if (is_json) {
        guess->format = letter == '[' ? KT_DATASET_JSON_ARRAY : KT_DATASET_JSON_ROWS;
        guess->what = letter == '[' ? "a JSON array" : "JSON Lines";
    } else if (is_csv) {
        guess->format = KT_DATASET_CSV;
        guess->what = "CSV";
    } else if (promised == KT_DATASET_PARQUET || guess->word) {
        guess->contradicts = true;
        guess->what = "text";
    } else {
        guess->what = "text that is neither JSON nor called CSV";
    }
}

struct kt_dataset_guess kt_dataset_guess(const char *name, struct kt_str head)
{
    struct kt_dataset_guess guess = {.format = KT_DATASET_OTHER, .what = "binary data", .is_text = is_text(head)};
    enum kt_dataset_format promised = name ? find_words(name, &guess) : KT_DATASET_OTHER;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(beginnings); i++) {
        struct kt_str beginning = {beginnings[i].bytes, beginnings[i].length};
        if (!kt_str_starts_with(head, beginning))
            continue;
        guess.format = beginnings[i].format;
        guess.what = beginnings[i].what;
        guess.is_text = false;
        guess.contradicts = guess.word && !beginnings[i].may_be_read &&
                            (guess.format != KT_DATASET_PARQUET || promised != KT_DATASET_PARQUET);
        return guess;
    }
    if (guess.is_text)
        guess_text(name, head, promised, &guess);
    else
        guess.contradicts = guess.word && promised != KT_DATASET_OTHER;
    return guess;
}
