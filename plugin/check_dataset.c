/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/check_dataset.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "dataset/parquet.h"
#include "text/visible.h"

#define PIECE_BYTES ((size_t)(256 * KT_KIB))
/* Of all rows that are shown of one file. */
#define SHOWN_BYTES ((size_t)(16 * KT_MIB))

struct look {
    struct kt_app *app;
    struct kt_arena *arena; /* of one file */
    const struct kt_dataset_setup *setup;
    const char *name;
    int fd;
    struct kt_strbuf rows;
    struct kt_dataset_reader *reader;
    struct kt_dataset_report report; /* of what has no reader */
    struct kt_checked_dataset checked;
    struct kt_error *error;
};

static void look_release(struct look *look)
{
    kt_dataset_close(&look->reader);
    if (look->fd > STDIN_FILENO)
        kt_close_fd(&look->fd);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int fail_reading(struct look *look)
{
    char reason[128];
    const char *text = strerror_r(errno, reason, sizeof(reason));
    return kt_error_set(look->error, KT_EIO, "cannot read %.500s: %s", look->name, text);
}

/* As many bytes as there are, up to a full buffer: a pipe gives them in pieces. */
static int read_piece(struct look *look, char *buffer, size_t size, size_t *ret)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(look->fd, buffer + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_reading(look);
        if (got == 0)
            break;
        length += (size_t)got;
    }
    *ret = length;
    return 0;
}

static int open_file(struct look *look)
{
    struct stat status;
    look->fd = kt_streq(look->name, "-") ? STDIN_FILENO : open(look->name, O_RDONLY | O_CLOEXEC);
    if (look->fd < 0 || fstat(look->fd, &status) != 0)
        return fail_reading(look);
    if (S_ISDIR(status.st_mode))
        return kt_error_set(look->error, KT_EINVAL, "%.500s is a folder: name the files of data in it", look->name);
    return 0;
}

static void show_row(void *context, struct kt_arena *arena, cJSON *row, struct kt_dataset_place place KT_UNUSED)
{
    struct look *look = context;
    struct kt_strbuf line;
    kt_strbuf_init(&line, arena, 2 * KT_LIMIT_DATASET_ROW_BYTES);
    kt_json_write(&line, kt_dataset_convert(arena, look->setup->conversion, row), KT_JSON_COMPACT);
    if (line.failed || look->rows.failed)
        return;
    kt_visible_write_json(&look->rows, kt_strbuf_view(&line));
    kt_strbuf_putc(&look->rows, '\n');
}

static int read_rows(struct look *look, char *buffer, size_t length)
{
    const struct kt_dataset_options options = {look->checked.guess.format, show_row, look, look->setup->shown};
    int code = 0;
    look->reader = kt_dataset_open(&options);
    if (!look->reader)
        return kt_error_set(look->error, KT_ENOMEM, "not enough memory to read %.500s", look->name);
    while (length > 0 && kt_dataset_feed(look->reader, (struct kt_str){buffer, length})) {
        code = read_piece(look, buffer, PIECE_BYTES, &length);
        if (code != 0)
            return code;
    }
    return kt_dataset_end(look->reader, &look->checked.report, look->error);
}

static int read_at(struct look *look, char *buffer, size_t size, uint64_t from)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = pread(look->fd, buffer + length, size - length, (off_t)(from + length));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_reading(look);
        if (got == 0)
            return kt_error_set(look->error, KT_EIO, "%.500s became shorter while it was read", look->name);
        length += (size_t)got;
    }
    return 0;
}

static int read_footer(struct look *look)
{
    struct stat status;
    char tail[KT_PARQUET_TAIL_BYTES];
    size_t length = 0;
    if (fstat(look->fd, &status) != 0)
        return fail_reading(look);
    if (!S_ISREG(status.st_mode))
        return kt_error_set(look->error, KT_EINVAL, "%.500s holds Parquet, whose end is read first: give it as a file",
                            look->name);
    uint64_t size = (uint64_t)status.st_size;
    if (size < 3 * sizeof(tail) / 2)
        return kt_error_set(look->error, KT_EPARSE, "%.500s is too short for Parquet: was it copied in full?",
                            look->name);
    int code = read_at(look, tail, sizeof(tail), size - sizeof(tail));
    if (code == 0)
        code = kt_parquet_footer_length(tail, size, &length, look->error);
    char *footer = code == 0 ? kt_arena_alloc(look->arena, length + 1) : NULL;
    if (code == 0 && !footer)
        return kt_error_set(look->error, KT_ENOMEM, "not enough memory to read %.500s", look->name);
    if (code == 0)
        code = read_at(look, footer, length, size - sizeof(tail) - length);
    if (code == 0)
        code = kt_parquet_read_footer(look->arena, (struct kt_str){footer, length}, &look->report, look->error);
    look->report.bytes = size;
    look->checked.report = &look->report;
    return code == KT_EPARSE || code == KT_ELIMIT ? kt_error_wrap(look->error, "%.500s", look->name) : code;
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static const char *judge_name(struct look *look)
{
    const struct kt_dataset_guess *guess = &look->checked.guess;
    if (kt_streq(look->name, "-"))
        return NULL;
    if (!guess->word)
        return "its name has none of the words csv, json, parquet, arrow and webdataset, by which the trainer finds "
               "data: name it so (rows.jsonl), or set DatasetConfig.dataset_path and dataset_extension";
    if (guess->contradicts)
        return kt_arena_printf(look->arena, "it is %s, and by its name the trainer takes it for %s", guess->what,
                               guess->word);
    if (guess->other_word)
        return kt_arena_printf(look->arena,
                               "its name has the words %s and %s, and the trainer takes it for one of them by chance: "
                               "keep one",
                               guess->word, guess->other_word);
    return NULL;
}

/* The image that the settings name, or all that our operator chooses from. */
static size_t images_to_judge(const struct kt_settings *settings, const struct kt_trainer_image **ret)
{
    size_t count = 0;
    if (settings->trainer_image || settings->release_image) {
        ret[0] = kt_settings_trainer(settings, 0, true).image;
        return 1;
    }
    for (size_t i = 0; i < kt_trainer_image_count; i++) {
        if (kt_trainer_images[i].ours_from > 0)
            ret[count++] = &kt_trainer_images[i];
    }
    return count;
}

static int judge_uses(struct look *look)
{
    const struct kt_dataset_uses *uses = look->setup->uses;
    const struct kt_trainer_image **images = kt_arena_calloc(look->arena, uses->count, sizeof(*images));
    struct kt_dataset_verdict *verdicts = kt_arena_calloc(look->arena, uses->count, sizeof(*verdicts));
    if (!images || !verdicts)
        return kt_error_set(look->error, KT_ENOMEM, "not enough memory to judge %.500s", look->name);
    look->checked.trains = true;
    bool by_name = false; /* the trainer knows the type by the file's name, not by the config */
    for (size_t i = 0; i < uses->count; i++) {
        images[i] = uses->items[i].image;
        by_name |= uses->items[i].extension == NULL;
        verdicts[i] = kt_dataset_judge_use(look->arena, &look->checked, &uses->items[i]);
        look->checked.trains &=
            verdicts[i].outcome != KT_DATASET_DIES && verdicts[i].outcome != KT_DATASET_TEACHES_NOTHING;
    }
    look->checked.name_fault = by_name ? judge_name(look) : NULL;
    look->checked.trains &= !look->checked.name_fault;
    look->checked.images = images;
    look->checked.uses = uses->items;
    look->checked.verdicts = verdicts;
    look->checked.image_count = uses->count;
    return 0;
}

static int judge(struct look *look)
{
    if (look->setup->uses && look->setup->uses->count > 0)
        return judge_uses(look);
    struct kt_checked_dataset *checked = &look->checked;
    const struct kt_trainer_image **images = kt_arena_calloc(look->arena, kt_trainer_image_count, sizeof(*images));
    struct kt_dataset_verdict *verdicts = kt_arena_calloc(look->arena, kt_trainer_image_count, sizeof(*verdicts));
    if (!images || !verdicts)
        return kt_error_set(look->error, KT_ENOMEM, "not enough memory to judge %.500s", look->name);
    checked->image_count = images_to_judge(look->setup->settings, images);
    checked->name_fault = judge_name(look);
    for (size_t i = 0; i < checked->image_count; i++) {
        verdicts[i] = kt_dataset_judge(look->arena, checked->report, images[i], look->setup->conversion,
                                       look->setup->settings->release_image == NULL);
        checked->trains |= verdicts[i].outcome != KT_DATASET_DIES && verdicts[i].outcome != KT_DATASET_TEACHES_NOTHING;
    }
    checked->trains &= !checked->name_fault;
    checked->images = images;
    checked->verdicts = verdicts;
    return 0;
}

/* --- the course --------------------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return kt_streq(path, "-") ? NULL : slash ? slash + 1 : path;
}

static int look_at_file(struct look *look)
{
    size_t length = 0;
    char *buffer = kt_arena_alloc(look->arena, PIECE_BYTES);
    if (!buffer)
        return kt_error_set(look->error, KT_ENOMEM, "not enough memory to read %.500s", look->name);
    int code = open_file(look);
    if (code == 0)
        code = read_piece(look, buffer, PIECE_BYTES, &length);
    if (code != 0)
        return code;
    struct kt_str head = {buffer, KT_MIN(length, KT_DATASET_HEAD_BYTES)};
    look->checked.guess = kt_dataset_guess(base_name(look->name), head);
    look->report.format = KT_DATASET_OTHER;
    look->report.bytes = length;
    look->checked.report = &look->report;
    enum kt_dataset_format format = look->checked.guess.format;
    if (length == 0)
        return kt_error_set(look->error, KT_EINVAL, "%.500s is empty: there is nothing to train on", look->name);
    if (format == KT_DATASET_PARQUET)
        code = read_footer(look);
    else if (format != KT_DATASET_OTHER)
        code = read_rows(look, buffer, length);
    return code == 0 ? judge(look) : code;
}

static void write_checked(struct look *look)
{
    struct kt_strbuf text = kt_output_buffer(look->app);
    look->checked.rows = kt_strbuf_view(&look->rows);
    if (look->setup->format == KT_FORMAT_JSON)
        kt_dataset_write_json(look->app, &text, &look->checked);
    else
        kt_dataset_write_text(look->app, &text, &look->checked);
    kt_output_send(look->app, kt_strbuf_view(&text));
}

/* The exit code for one file; a fault is reported and does not stop the others. */
static int check_file(struct kt_app *app, const struct kt_dataset_setup *setup, const char *name, bool is_first)
{
    KT_CLEANUP(kt_arena_release) struct kt_arena arena;
    struct kt_error error = {0};
    kt_arena_init(&arena, KT_LIMIT_COMMAND_ARENA_BYTES);
    KT_CLEANUP(look_release)
    struct look look = {.app = app, .arena = &arena, .setup = setup, .name = name, .fd = -1, .error = &error};
    look.checked = (struct kt_checked_dataset){.setup = setup, .name = name};
    kt_strbuf_init(&look.rows, &arena, SHOWN_BYTES);
    int code = look_at_file(&look);
    if (code != 0) {
        kt_app_report(app, &error);
        return KT_EXIT_UNUSABLE;
    }
    if (setup->format == KT_FORMAT_JSON && !is_first)
        kt_output_send(app, KT_STR(","));
    write_checked(&look);
    return look.checked.trains ? KT_EXIT_OK : KT_EXIT_ERROR;
}

int kt_check_datasets(struct kt_app *app, const struct kt_dataset_setup *setup, struct kt_error *error KT_UNUSED)
{
    int worst = KT_EXIT_OK;
    bool is_first = true;
    if (setup->format == KT_FORMAT_JSON)
        kt_output_send(app, KT_STR("{\"datasets\":["));
    for (size_t i = 0; i < setup->files->count; i++) {
        int code = check_file(app, setup, setup->files->items[i], is_first);
        is_first &= code == KT_EXIT_UNUSABLE;
        worst = KT_MAX(worst, code);
    }
    if (setup->format == KT_FORMAT_JSON)
        kt_output_send(app, KT_STR("\n]}\n"));
    return worst;
}
