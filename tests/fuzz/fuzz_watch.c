/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the stream of a watch, in pieces: objects reach the callbacks, or the stream is given up with an error,
 * and where it was cut makes no difference. Input: a byte that says how large the pieces are, then the stream. */
#include <stdlib.h>

#include "kube/watch.c" /* its inside: there is no watch without a server */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    size_t objects;
    size_t bytes;
};

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static bool take_object(void *context, const cJSON *object)
{
    struct told *told = context;
    demand(kt_json_is_object(object));
    told->objects++;
    told->bytes += kt_json_count(object);
    return true;
}

/* True: the whole stream was taken. */
static bool run(struct kt_str text, size_t piece, struct told *told, char version[64])
{
    const struct kt_watch_handler handler = {
        .added = take_object, .modified = take_object, .deleted = take_object, .context = told};
    struct watch watch = {.resource = &kt_resource_pods, .handler = &handler};
    bool good = true;
    *told = (struct told){0};
    kt_arena_init(&watch.arena, WORK_ARENA_BYTES);
    kt_strbuf_init(&watch.line, NULL, KT_LIMIT_WATCH_LINE_BYTES + 1);
    for (size_t at = 0; good && at < text.length; at += piece)
        good = take_piece(&watch, text.data + at, KT_MIN(piece, text.length - at));
    demand(good == (watch.line_error.code == KT_OK));
    demand(good || *watch.line_error.message);
    demand(memchr(watch.resource_version, '\0', sizeof(watch.resource_version)) != NULL);
    memcpy(version, watch.resource_version, sizeof(watch.resource_version));
    kt_strbuf_release(&watch.line);
    kt_arena_release(&watch.arena);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told whole, pieces;
    char version_of_whole[64], version_of_pieces[64];
    if (size < 2)
        return 0;
    struct kt_str text = {(const char *)data + 1, size - 1};
    bool good = run(text, text.length, &whole, version_of_whole);
    demand(good == run(text, (size_t)data[0] + 1, &pieces, version_of_pieces));
    demand(whole.objects == pieces.objects && whole.bytes == pieces.bytes);
    demand(kt_streq(version_of_whole, version_of_pieces));
    return 0;
}
