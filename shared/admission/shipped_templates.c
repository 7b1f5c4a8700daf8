/* SPDX-License-Identifier: Apache-2.0 */
#include "admission/shipped_templates.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/embedded.h"
#include "text/yaml.h"

#define TRAINING_CONFIG_KEY "training_config.yaml"
#define ARENA_BYTES ((size_t)KT_MIB)
#define TEMPLATES_MOST 4

static struct kt_arena template_arena;
static struct {
    const cJSON *object;
    const char *text;
    const cJSON *root;
} templates[TEMPLATES_MOST];
static size_t template_count;
static pthread_once_t loaded = PTHREAD_ONCE_INIT;

static void load(void)
{
    struct kt_yaml_documents documents;
    struct kt_str manifest = {kt_embedded_templates.text, kt_embedded_templates.length};
    kt_arena_init(&template_arena, ARENA_BYTES);
    if (kt_yaml_parse(&template_arena, manifest, &documents, NULL) != KT_OK)
        return;
    for (size_t i = 0; i < documents.count && template_count < TEMPLATES_MOST; i++) {
        const char *text = kt_json_string(kt_json_path(documents.items[i].root, "data", TRAINING_CONFIG_KEY, NULL));
        struct kt_yaml_document document;
        if (!text || kt_yaml_parse_one(&template_arena, kt_str(text), &document, NULL) != KT_OK)
            continue;
        templates[template_count].object = documents.items[i].root;
        templates[template_count].text = text;
        templates[template_count].root = document.root;
        template_count++;
    }
}

const cJSON *kt_shipped_template_find(const char *text)
{
    pthread_once(&loaded, load);
    for (size_t i = 0; i < template_count; i++) {
        if (kt_streq(templates[i].text, text))
            return templates[i].root;
    }
    return NULL;
}

const cJSON *kt_shipped_template_like(struct kt_arena *arena, const cJSON *root)
{
    pthread_once(&loaded, load);
    for (size_t i = 0; i < template_count; i++) {
        if (kt_json_equal_counted(arena, templates[i].root, root))
            return templates[i].root;
    }
    return NULL;
}

const cJSON *kt_shipped_template_object(const char *name)
{
    pthread_once(&loaded, load);
    for (size_t i = 0; i < template_count; i++) {
        const char *own = kt_json_string(kt_json_path(templates[i].object, "metadata", "name", NULL));
        if (own && kt_streq(own, name))
            return templates[i].object;
    }
    return NULL;
}

const char *kt_template_name(enum kt_tuning_method method, bool float16)
{
    static const char *const names[][2] = {
        [KT_METHOD_LORA] = {"lora-params-template", "lora-params-template-below-8.0"},
        [KT_METHOD_QLORA] = {"qlora-params-template", "qlora-params-template-below-8.0"},
    };
    return names[method][float16];
}
