/* SPDX-License-Identifier: Apache-2.0 */
/* pull-data.sh with a skopeo of ours that hands out layers which the tests pack. */
#include "base/strbuf.h"
#include "tests/lib/cmocka_all.h"
#include "tests/lib/script_run.h"

/* `copy` gives the files of image/ out, except to an --authfile that is not good.json, while `closed` is there; and
 * not at all as often as `failures` has lines. */
#define SKOPEO                                                                                                      \
    "#!/bin/sh\n"                                                                                                   \
    "home=$HOME\n"                                                                                                  \
    "[ \"$1\" = inspect ] && exec cat \"$home/layers\"\n"                                                           \
    "echo \"$*\" | sed \"s,$home,HOME,g; s,dir:.*,dir:,\" >>\"$home/skopeo.log\"\n"                                 \
    "if [ -s \"$home/failures\" ]; then\n"                                                                          \
    "    sed -i 1d \"$home/failures\"; echo 'connection reset' >&2; exit 1\n"                                       \
    "fi\n"                                                                                                          \
    "case \"$*\" in *good.json*) ;; *) [ ! -e \"$home/closed\" ] || { echo 'unauthorized' >&2; exit 1; } ;; esac\n" \
    "for last; do :; done\n"                                                                                        \
    "mkdir -p \"${last#dir:}\" && cp \"$home\"/image/* \"${last#dir:}\"/\n"

static void prepare(struct kt_script_place *place)
{
    kt_script_write(place, "tools/skopeo", SKOPEO);
    kt_script_write(place, "layers", "");
    kt_script_write(place, "image/manifest.json", "{}");
    kt_script_write(place, "data/.keep", "");
}

/* Runs `commands` in an empty folder, then packs `members` of it as the next layer, with the machine's own tar. */
static void add_layer(struct kt_script_place *place, const char *digest, const char *commands, const char *members)
{
    const char *output;
    enum kt_shell shell = place->shell;
    const char *script = kt_arena_printf(&place->arena,
                                         "rm -rf src && mkdir src && cd src && %s && tar -cf ../image/%s %s && "
                                         "echo sha256:%s >>../layers",
                                         commands, digest, members, digest);
    place->shell = KT_SHELL_SYSTEM;
    if (!script || kt_script_run(place, script, NULL, &output) != 0)
        fail_msg("the layer cannot be packed: %s", output);
    place->shell = shell;
}

static int pull(struct kt_script_place *place, const char **ret_output)
{
    const char *const variables[] = {
        "INPUT_IMAGE=registry.example.com/data:1",
        kt_arena_printf(&place->arena, "DATA_VOLUME_PATH=%s/data", place->folder),
        kt_arena_printf(&place->arena, "REGISTRY_AUTH_FOLDER=%s/auth", place->folder),
        "RETRY_PAUSE_SECONDS=0",
        NULL,
    };
    return kt_script_run(place, kt_embedded_pull_data.text, variables, ret_output);
}

static void assert_refused(struct kt_script_place *place, const char *words)
{
    const char *output;
    assert_int_equal(pull(place, &output), 1);
    if (!strstr(kt_script_last_line(place, output), words))
        fail_msg("the last line is not about \"%s\": %s", words, output);
    assert_null(kt_script_read(place, "outside"));
    assert_string_equal(kt_script_list(place, "data"), ".keep\n");
}

static void layers_are_laid_over_each_other(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    add_layer(place, "aa",
              "mkdir -p data/old data/sub etc && echo 1 >data/a.json && echo 1 >data/old/x && echo 1 >data/sub/gone",
              "data etc");
    add_layer(place, "bb", "mkdir -p etc && echo secret >etc/passwd", "etc");
    add_layer(
        place, "cc",
        "mkdir -p data/sub data/old && echo 2 >data/a.json && : >data/sub/.wh.gone && : >data/old/.wh..wh..opq && "
        "echo 2 >data/old/y && ln -s a.json data/link",
        "./data");
    if (pull(place, &output) != 0)
        fail_msg("%s", output);
    assert_string_equal(kt_script_list(place, "data"),
                        ".keep\ndata\ndata/a.json\ndata/link\ndata/old\ndata/old/y\ndata/sub\n");
    assert_string_equal(kt_script_read(place, "data/data/a.json"), "2\n");
}

static void a_path_out_of_the_folder_is_refused(struct kt_script_place *place)
{
    prepare(place);
    add_layer(place, "aa", "mkdir data && echo x >data/a.json && echo x >outside",
              "-P --transform 's,^outside,data/../../../outside,' data outside");
    if (place->shell == KT_SHELL_SYSTEM) {
        assert_refused(place, "a path in the image leads upwards");
    } else { /* busybox' tar cuts the way up off, and then it is no longer a file of /data */
        const char *output;
        assert_int_equal(pull(place, &output), 0);
        assert_null(kt_script_read(place, "outside"));
        assert_string_equal(kt_script_list(place, "data"), ".keep\ndata\ndata/a.json\n");
    }
}

static void a_link_out_of_the_folder_is_refused(struct kt_script_place *place)
{
    prepare(place);
    add_layer(place, "aa", "mkdir data && ln -s /etc data/etc", "data");
    assert_refused(place, "data/etc is a link that leads out of the data");
}

static void a_link_upwards_is_refused(struct kt_script_place *place)
{
    prepare(place);
    add_layer(place, "aa", "mkdir data && ln -s ../../.. data/up", "data");
    add_layer(place, "bb", "mkdir -p data/up && echo x >data/up/outside", "data");
    assert_refused(place, "data/up is a link that leads out of the data");
}

static void data_that_is_a_link_is_refused(struct kt_script_place *place)
{
    prepare(place);
    add_layer(place, "aa", "mkdir data && echo x >data/outside", "data");
    add_layer(place, "bb", "ln -s / data && mkdir x && echo x >x/f", "data --transform 's,^x,data,' x/f");
    const char *output;
    assert_int_equal(pull(place, &output), 1);
    assert_string_equal(kt_script_list(place, "data"), ".keep\n");
}

static void a_pipe_is_refused(struct kt_script_place *place)
{
    prepare(place);
    add_layer(place, "aa", "mkdir data && mkfifo data/pipe", "data");
    assert_refused(place, "data/pipe is neither a file nor a folder");
}

static void a_name_with_a_line_break_is_refused(struct kt_script_place *place)
{
    prepare(place);
    add_layer(place, "aa", "mkdir data && : >\"data/a\n.wh.b\"", "data");
    assert_refused(place, "has a line break in it");
}

static void an_odd_layer_name_is_refused(struct kt_script_place *place)
{
    prepare(place);
    kt_script_write(place, "layers", "sha256:../../outside\n");
    assert_refused(place, "a layer has an odd name");
}

static void an_image_without_data_is_refused(struct kt_script_place *place)
{
    prepare(place);
    add_layer(place, "aa", "mkdir -p mydata etc && echo x >mydata/a.json && echo x >etc/data", "mydata etc");
    assert_refused(place, "has no file in its folder /data");
}

static void every_secret_is_tried(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    add_layer(place, "aa", "mkdir data && echo x >data/a.json", "data");
    kt_script_write(place, "closed", "");
    kt_script_write(place, "auth/bad.json", "{}");
    kt_script_write(place, "auth/good.json", "{}");
    assert_int_equal(pull(place, &output), 0);
    assert_string_equal(
        kt_script_read(place, "skopeo.log"),
        "copy --authfile=HOME/auth/bad.json --dest-decompress docker://registry.example.com/data:1 dir:\n"
        "copy --authfile=HOME/auth/good.json --dest-decompress docker://registry.example.com/data:1 dir:\n");
}

static void a_registry_that_refuses_is_asked_a_few_times(struct kt_script_place *place)
{
    const char *output;
    prepare(place);
    add_layer(place, "aa", "mkdir data && echo x >data/a.json", "data");
    kt_script_write(place, "failures", "1\n2\n");
    assert_int_equal(pull(place, &output), 0);
    assert_non_null(strstr(output, "try 2 failed: connection reset"));
    kt_script_write(place, "closed", "");
    assert_int_equal(pull(place, &output), 1);
    assert_string_equal(kt_script_last_line(place, output),
                        "puller: image registry.example.com/data:1 cannot be pulled, after 5 tries: unauthorized");
}

KT_SCENARIO(layers_are_laid_over_each_other)
KT_SCENARIO(a_path_out_of_the_folder_is_refused)
KT_SCENARIO(a_link_out_of_the_folder_is_refused)
KT_SCENARIO(a_link_upwards_is_refused)
KT_SCENARIO(data_that_is_a_link_is_refused)
KT_SCENARIO(a_pipe_is_refused)
KT_SCENARIO(a_name_with_a_line_break_is_refused)
KT_SCENARIO(an_odd_layer_name_is_refused)
KT_SCENARIO(an_image_without_data_is_refused)
KT_SCENARIO(every_secret_is_tried)
KT_SCENARIO(a_registry_that_refuses_is_asked_a_few_times)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KT_IN_EVERY_SHELL(layers_are_laid_over_each_other),
        KT_IN_EVERY_SHELL(a_path_out_of_the_folder_is_refused),
        KT_IN_EVERY_SHELL(a_link_out_of_the_folder_is_refused),
        KT_IN_EVERY_SHELL(a_link_upwards_is_refused),
        KT_IN_EVERY_SHELL(data_that_is_a_link_is_refused),
        KT_IN_EVERY_SHELL(a_pipe_is_refused),
        KT_IN_EVERY_SHELL(a_name_with_a_line_break_is_refused),
        KT_IN_EVERY_SHELL(an_odd_layer_name_is_refused),
        KT_IN_EVERY_SHELL(an_image_without_data_is_refused),
        KT_IN_EVERY_SHELL(every_secret_is_tried),
        KT_IN_EVERY_SHELL(a_registry_that_refuses_is_asked_a_few_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
