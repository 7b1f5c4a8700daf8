/* SPDX-License-Identifier: Apache-2.0 */
/* Family T: where the data of a tuning comes from and where its adapter goes. */
#include "admission/placeholder.h"
#include "admission/config_values.h"
#include "admission/rule_words.h"
#include "admission/rules_tuning.h"
#include "admission/tuning_input.h"
#include "admission/volume_source.h"
#include "text/image_reference.h"
#include "text/names.h"
#include "text/url_check.h"

#define FIELD_URLS "tuning.input.urls"
#define FIELD_INPUT_IMAGE "tuning.input.image"
#define FIELD_OUTPUT_IMAGE "tuning.output.image"
#define FIELD_PUSH_SECRET "tuning.output.imagePushSecret"
#define FIELD_PULL_SECRETS "tuning.input.imagePullSecrets"

/* Steps of work for a name in a list, beside those for each of its bytes. */
#define SECRET_STEPS 100
#define SECRET_BYTE_STEPS 8

static bool goes_on_with_secret(const struct kt_rule_run *run, const char *name)
{
    return kt_rule_goes_on(run, SECRET_STEPS + SECRET_BYTE_STEPS * strlen(name != NULL ? name : ""),
                           FIELD_PULL_SECRETS);
}

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool has_placeholder(const char *text)
{
    return is_given(text) && kt_placeholder_find(kt_str(text)).length > 0;
}

/* Steps of work for a URL of a list in each of the rules that look at it, beside those for each of its bytes. */
#define URL_STEPS 120
#define URL_BYTE_STEPS 8

static bool goes_on_with(const struct kt_rule_run *run, const char *url)
{
    return kt_rule_goes_on(run, URL_STEPS + URL_BYTE_STEPS * strlen(url != NULL ? url : ""), FIELD_URLS);
}

static const char *item_field(const struct kt_facts *facts, const char *list, size_t index)
{
    const char *field = kt_arena_printf(facts->arena, "%s[%zu]", list, index);
    return field != NULL ? field : list;
}

/* --- exactly one input, exactly one output ------------------------------------------------------------------------ */

void kt_tuning_check_one_input(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_data_source *input = &facts->now.tuning.input;
    bool urls = kt_json_count(input->urls) > 0;
    bool image = is_given(input->image);
    bool volume = input->volume != NULL;
    int given = urls + image + volume;
    if (input->node == NULL) /* upstream asks for it on UPDATE too */
        kt_rule_report_as(run, KT_ORIGIN_UPSTREAM, "tuning.input", KT_PROBLEM_REQUIRED, NULL,
                          "the data to train on: one of urls, image and volumeSource");
    else if (given == 0)
        kt_rule_report_as(run, kt_rule_origin_on_create(facts), "tuning.input", KT_PROBLEM_REQUIRED, NULL,
                          "no data to train on: give exactly one of urls, image and volumeSource");
    else if (given > 1)
        kt_rule_report_as(run, kt_rule_origin_on_create(facts), "tuning.input", KT_PROBLEM_FORBIDDEN, NULL,
                          "data comes from exactly one of urls, image and volumeSource; got %s%s%s%s%s",
                          urls ? "urls" : "", urls && image ? " and " : "", image ? "image" : "", volume ? " and " : "",
                          volume ? "volumeSource" : "");
}

void kt_tuning_check_one_output(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_data_destination *output = &facts->now.tuning.output;
    bool image = is_given(output->image);
    bool volume = output->volume != NULL;
    if (output->node == NULL)
        kt_rule_report_as(run, KT_ORIGIN_UPSTREAM, "tuning.output", KT_PROBLEM_REQUIRED, NULL,
                          "where the adapter goes: one of image and volumeSource");
    else if (!image && !volume)
        kt_rule_report_as(run, kt_rule_origin_on_create(facts), "tuning.output", KT_PROBLEM_REQUIRED, NULL,
                          "the adapter would go nowhere: give exactly one of image and volumeSource");
    else if (image && volume)
        kt_rule_report_as(run, kt_rule_origin_on_create(facts), "tuning.output", KT_PROBLEM_FORBIDDEN, NULL,
                          "the adapter goes to exactly one of image and volumeSource; got both");
}

/* --- URLs --------------------------------------------------------------------------------------------------------- */

/* In the host any placeholder counts; behind it only what nobody would name a file ("know-your-customer.csv" is one).
 */
static bool url_has_placeholder(const char *url)
{
    struct kt_str text = kt_str(url);
    struct kt_str found = kt_placeholder_find(text);
    if (found.length == 0)
        return false;
    struct kt_url_finding checked = kt_url_check(text);
    if (checked.host.length > 0 && kt_placeholder_find(checked.host).length > 0)
        return true;
    for (size_t i = 0; i < found.length; i++) {
        if (found.data[i] >= 'a' && found.data[i] <= 'z')
            return strchr("<${", found.data[0]) != NULL;
    }
    return true;
}

void kt_tuning_check_urls(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *item = NULL;
    size_t index = 0;
    cJSON_ArrayForEach(item, facts->now.tuning.input.urls)
    {
        const char *url = kt_json_is_null(item) ? "" : kt_json_string(item);
        struct kt_url_finding finding;
        size_t at = index++;
        if (!goes_on_with(run, url))
            return;
        if (url == NULL || url_has_placeholder(url))
            continue;
        finding = kt_url_check(kt_str(url));
        if (finding.verdict != KT_URL_OK)
            kt_rule_report_as(run, finding.upstream_refuses ? kt_rule_origin_on_create(facts) : KT_ORIGIN_OWN,
                              item_field(facts, FIELD_URLS, at), KT_PROBLEM_INVALID, url, "%s", finding.reason);
    }
}

/* The part of a URL that the download names the file by: all behind the last slash, the query too. */
static struct kt_str downloaded_name(const char *url)
{
    const char *host = strstr(url, "://");
    const char *last = strrchr(host != NULL ? host + 3 : url, '/');
    return kt_str(last != NULL ? last + 1 : (host != NULL ? host + 3 : url));
}

const char *kt_tuning_file_word(struct kt_str name)
{
    static const char *const words[] = {"csv", "json", "parquet", "arrow", "webdataset"};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(words); i++) {
        struct kt_str word = kt_str(words[i]);
        for (size_t at = 0; at + word.length <= name.length; at++) {
            if (kt_str_equal_nocase((struct kt_str){name.data + at, word.length}, word))
                return words[i];
        }
    }
    return NULL;
}

/* True when the config says which file to read, or may say so. */
static bool config_picks_file(const struct kt_facts *facts)
{
    if (!kt_tuning_config_settled(facts))
        return true;
    return kt_config_value(facts->config.values, "DatasetConfig", "dataset_path") != NULL;
}

void kt_tuning_check_file_names(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *item = NULL;
    const char *first = NULL;
    size_t first_index = 0;
    size_t index = 0;
    size_t unseen = 0;
    if (config_picks_file(facts))
        return;
    cJSON_ArrayForEach(item, facts->now.tuning.input.urls)
    {
        const char *url = kt_json_string(item);
        if (!goes_on_with(run, url))
            return;
        bool is_good = is_given(url) && !url_has_placeholder(url) && kt_url_check(kt_str(url)).verdict == KT_URL_OK;
        if (is_good && kt_tuning_file_word(downloaded_name(url)) == NULL && unseen++ == 0) {
            first = url;
            first_index = index;
        }
        index++;
    }
    if (first == NULL)
        return;
    /* With no file that it sees, the trainer ends; beside one that it sees, it passes over the others. */
    struct kt_str name = downloaded_name(first);
    struct kt_finding *finding = kt_rule_report(
        run, item_field(facts, FIELD_URLS, first_index), unseen == index ? KT_PROBLEM_INVALID : KT_PROBLEM_NOTE,
        unseen == index ? first : NULL,
        "the trainer looks for csv, json, parquet, arrow or webdataset in the name of a file and finds none in "
        "\"%.*s\", "
        "so it %s. Use a URL whose file name says what it is, or set both DatasetConfig.dataset_path: /data/%.*s and "
        "DatasetConfig.dataset_extension in the tuning config",
        (int)kt_utf8_prefix(name, 48), name.data, unseen == index ? "ends when it starts" : "will not read it",
        (int)kt_utf8_prefix(name, 48), name.data);
    if (finding != NULL && unseen == index)
        finding->severity = KT_SEVERITY_ERROR;
}

/* The first two URLs whose names say different types; false when there are none. */
static bool find_mixture(const struct kt_rule_run *run, size_t *ret_first, size_t *ret_second)
{
    const cJSON *item = NULL;
    const char *type = NULL;
    size_t index = 0;
    cJSON_ArrayForEach(item, run->facts->now.tuning.input.urls)
    {
        const char *url = kt_json_string(item);
        if (!goes_on_with(run, url))
            return false;
        const char *word = is_given(url) ? kt_tuning_file_word(downloaded_name(url)) : NULL;
        if (word != NULL && type == NULL) {
            type = word;
            *ret_first = index;
        }
        if (word != NULL && !kt_streq(word, type)) {
            *ret_second = index;
            return true;
        }
        index++;
    }
    return false;
}

void kt_tuning_check_several_urls(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    size_t count = kt_json_count(facts->now.tuning.input.urls), first = 0, second = 0;
    if (count <= 1 || config_picks_file(facts))
        return;
    if (facts->settings->release_image != NULL ||
        kt_config_value(facts->config.values, "DatasetConfig", "dataset_extension") != NULL) {
        struct kt_finding *finding = kt_rule_report(
            run, FIELD_URLS, KT_PROBLEM_NOTE, NULL,
            "%zu files are downloaded, and without DatasetConfig.dataset_path the trainer reads one of them; "
            "to read all, set dataset_path: \"/data/*\" and dataset_extension (json, parquet, csv) in the "
            "tuning config, with files of one kind",
            count);
        if (finding != NULL)
            finding->severity = KT_SEVERITY_WARNING;
    } else if (find_mixture(run, &first, &second)) {
        kt_rule_report(
            run, item_field(facts, FIELD_URLS, second), KT_PROBLEM_INVALID,
            kt_json_string(kt_json_item(facts->now.tuning.input.urls, second)),
            "all URLs are read as one set of rows, and this file is of another type than %s[%zu]; give files "
            "of one type, or name those to read by dataset_path and dataset_extension in the tuning config",
            FIELD_URLS, first);
    }
}

/* --- images and secrets ------------------------------------------------------------------------------------------- */

static bool image_is_bad(const char *image, struct kt_error *error)
{
    struct kt_image_reference reference;
    return is_given(image) && kt_image_reference_parse(kt_str(image), &reference, error) != KT_OK;
}

static void check_image(struct kt_rule_run *run, const char *field, const char *image)
{
    struct kt_error error = {.code = KT_OK};
    if (!has_placeholder(image) && image_is_bad(image, &error))
        kt_rule_report(run, field, KT_PROBLEM_INVALID, image, "not an image reference: %s", error.message);
}

void kt_tuning_check_images(struct kt_rule_run *run)
{
    check_image(run, FIELD_INPUT_IMAGE, run->facts->now.tuning.input.image);
    check_image(run, FIELD_OUTPUT_IMAGE, run->facts->now.tuning.output.image);
}

static const char *registry_of(const struct kt_facts *facts, const char *image)
{
    struct kt_image_reference reference;
    const char *host = NULL;
    if (!is_given(image) || has_placeholder(image) ||
        kt_image_reference_parse(kt_str(image), &reference, NULL) != KT_OK)
        return "your registry";
    host = kt_arena_strndup(facts->arena, reference.domain.data, reference.domain.length);
    return host != NULL ? host : "your registry";
}

void kt_tuning_check_push_secret(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_data_destination *output = &facts->now.tuning.output;
    if (is_given(output->image) && !is_given(output->push_secret))
        kt_rule_report_as(run, kt_rule_origin_on_create(facts), FIELD_PUSH_SECRET, KT_PROBLEM_REQUIRED, NULL,
                          "name a Secret of type kubernetes.io/dockerconfigjson in the Workspace's namespace that may "
                          "push to %s; `kubectl create secret docker-registry` makes one",
                          registry_of(facts, output->image));
}

static void check_secret_name(struct kt_rule_run *run, const char *field, const char *name)
{
    const char *reason = NULL;
    if (name == NULL || has_placeholder(name))
        return;
    reason = kt_names_dns1123_subdomain(kt_str(name));
    if (reason != NULL)
        kt_rule_report(run, field, KT_PROBLEM_INVALID, name, "not a name that a Secret can have: %s", reason);
}

void kt_tuning_check_secret_names(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_tuning *tuning = &facts->now.tuning;
    const cJSON *item = NULL;
    size_t index = 0;
    if (is_given(tuning->output.push_secret))
        check_secret_name(run, FIELD_PUSH_SECRET, tuning->output.push_secret);
    if (is_given(tuning->preset.access_secret))
        check_secret_name(run, "tuning.preset.presetOptions.modelAccessSecret", tuning->preset.access_secret);
    cJSON_ArrayForEach(item, tuning->input.pull_secrets)
    {
        if (!goes_on_with_secret(run, kt_json_string(item)))
            return;
        check_secret_name(run, item_field(facts, FIELD_PULL_SECRETS, index++), kt_json_string(item));
    }
}

/* --- volumes ------------------------------------------------------------------------------------------------------ */

void kt_tuning_check_volumes(struct kt_rule_run *run)
{
    kt_volume_source_report(run, run->facts->now.tuning.input.volume, "tuning.input.volumeSource", false);
    kt_volume_source_report(run, run->facts->now.tuning.output.volume, "tuning.output.volumeSource", true);
}

/* --- placeholders ------------------------------------------------------------------------------------------------- */

static void report_placeholder(struct kt_rule_run *run, enum kt_origin origin, const char *field, const char *value,
                               const char *advice)
{
    const char *sentence = has_placeholder(value) ? kt_placeholder_sentence(run->facts->arena, kt_str(value)) : NULL;
    if (sentence != NULL)
        kt_rule_report_as(run, origin, field, KT_PROBLEM_INVALID, value, "%s; %s", sentence, advice);
}

static void check_image_placeholder(struct kt_rule_run *run, const char *field, const char *image, const char *advice)
{
    report_placeholder(run, image_is_bad(image, NULL) ? KT_ORIGIN_UPSTREAM : KT_ORIGIN_OWN, field, image, advice);
}

static void check_url_placeholders(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const cJSON *item = NULL;
    size_t index = 0;
    cJSON_ArrayForEach(item, facts->now.tuning.input.urls)
    {
        const char *url = kt_json_string(item);
        size_t at = index++;
        if (!goes_on_with(run, url))
            return;
        if (is_given(url) && url_has_placeholder(url))
            report_placeholder(
                run, kt_url_check(kt_str(url)).upstream_refuses ? kt_rule_origin_on_create(facts) : KT_ORIGIN_OWN,
                item_field(facts, FIELD_URLS, at), url, "put the address of your data file");
    }
}

void kt_tuning_check_placeholders(struct kt_rule_run *run)
{
    const struct kt_facts *facts = run->facts;
    const struct kt_tuning *tuning = &facts->now.tuning;
    const cJSON *item = NULL;
    size_t index = 0;
    const char *secret = tuning->output.push_secret;
    bool is_placeholder = secret != NULL && kt_placeholder_find(kt_str(secret)).length > 0;
    const char *secret_advice = !is_placeholder
                                    ? NULL
                                    : kt_arena_printf(facts->arena,
                                                      "put the name of a Secret of type kubernetes.io/dockerconfigjson "
                                                      "in the Workspace's namespace that may push to "
                                                      "%s, made with: kubectl create secret docker-registry NAME "
                                                      "--docker-server=REGISTRY --docker-username=USER "
                                                      "--docker-password=PASSWORD",
                                                      registry_of(facts, tuning->output.image));
    check_image_placeholder(
        run, FIELD_OUTPUT_IMAGE, tuning->output.image,
        "put your registry's host and the name and tag under which the adapter is to be pushed, for "
        "example myregistry.azurecr.io/phi-3-adapter:0.0.1");
    check_image_placeholder(run, FIELD_INPUT_IMAGE, tuning->input.image,
                            "put the reference of the image with your data");
    report_placeholder(run, KT_ORIGIN_OWN, FIELD_PUSH_SECRET, secret, secret_advice != NULL ? secret_advice : "");
    cJSON_ArrayForEach(item, tuning->input.pull_secrets)
    {
        if (!goes_on_with_secret(run, kt_json_string(item)))
            return;
        report_placeholder(run, KT_ORIGIN_OWN, item_field(facts, FIELD_PULL_SECRETS, index++), kt_json_string(item),
                           "put the name of the Secret that may pull the input image");
    }
    check_url_placeholders(run);
}
