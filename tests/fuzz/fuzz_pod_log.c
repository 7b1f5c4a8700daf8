/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a log that comes in pieces: every byte of it arrives in lines of bounded length, however it was cut, and
 * what is read of a training makes sense. Input: a byte that says how large the pieces are, then the log. */
#include <stdlib.h>

#include "plugin/pod_log.c" /* parts of a program, so that no library has them */
#include "plugin/training_progress.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reader {
    size_t lines, bytes;
    struct kt_training_progress training;
};

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static bool count_line(void *context, struct kt_str line)
{
    struct reader *reader = context;
    demand(line.length <= KT_POD_LOG_LINE_BYTES);
    reader->lines++;
    reader->bytes += line.length;
    kt_training_progress_take(&reader->training, line);
    demand(reader->training.step >= 0 && reader->training.steps >= 0);
    demand(memchr(reader->training.loss, '\0', sizeof(reader->training.loss)) != NULL);
    return true;
}

static struct reader read_log(struct kt_str text, size_t piece, bool follow)
{
    struct reader reader = {0};
    struct kt_pod_log log;
    kt_pod_log_init(&log);
    log.follow = follow;
    log.line = count_line;
    log.context = &reader;
    for (size_t at = 0; at < text.length; at += piece) {
        /* A copy of exactly this size, so that a read beyond it is seen. */
        size_t length = KT_MIN(piece, text.length - at);
        char *copy = kt_heap_alloc(length);
        if (!copy)
            break;
        memcpy(copy, text.data + at, length);
        demand(take(&log, copy, length));
        kt_heap_free(copy);
    }
    kt_pod_log_release(&log);
    return reader;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct kt_str text = {(const char *)data + 1, size - 1};
    struct reader whole = read_log(text, text.length, false);
    struct reader pieces = read_log(text, (size_t)data[0] + 1, false);
    demand(whole.lines == pieces.lines && whole.bytes == pieces.bytes);
    demand(whole.training.step == pieces.training.step && kt_streq(whole.training.loss, pieces.training.loss));
    read_log(text, (size_t)data[0] + 1, true);
    return 0;
}
