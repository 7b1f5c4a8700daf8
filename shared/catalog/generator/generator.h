/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host program of the build: reads models.yaml, skus.yaml and images.yaml, checks them without mercy, and writes the
 * constant tables behind catalog.h to standard output. With --markdown first it writes the same as tables for
 * documents.
 *
 *     generate [--markdown] models.yaml skus.yaml images.yaml
 *
 * It links only libyaml. All memory is static: the catalogue is small and its limits are below.
 */
#ifndef KT_CATALOG_GENERATOR_H
#define KT_CATALOG_GENERATOR_H

#include <inttypes.h>
#include <stdio.h>
#include <yaml.h>

#include "catalog/fields.h"

#define MAX_MODELS 512
#define MAX_SKUS 1024
#define MAX_PROFILES 128
#define MAX_IMAGES 32
/* Bytes of a name, see kt_field_text_ok. */
#define MAX_KEY_LENGTH 128

struct source {
    const char *path;
    yaml_document_t document; /* the texts of all entries live here */
    bool loaded;
};

/* What was read; entries in the order of the files. */
struct tables {
    struct kt_model_entry models[MAX_MODELS];
    size_t model_lines[MAX_MODELS];
    size_t model_count;
    struct kt_sku_entry skus[MAX_SKUS];
    size_t sku_lines[MAX_SKUS];
    size_t sku_count;
    const char *profiles[MAX_PROFILES];
    size_t profile_count;
    struct kt_trainer_image images[MAX_IMAGES];
    size_t image_lines[MAX_IMAGES];
    size_t image_count;
    size_t error_count; /* complaints so far */
};
extern struct tables tables;

/* "file:line: message" on standard error; line 0: the whole file. */
void complain(const struct source *source, size_t line, const char *format, ...) KT_PRINTF(3, 4);

void read_models_file(struct source *source);
void read_skus_file(struct source *source);
void read_images_file(struct source *source);

/* What must hold between entries: order, and replacements that exist. */
void check_models(const struct source *source);
void check_skus(const struct source *source);
void check_images(const struct source *source);
/* target has MAX_KEY_LENGTH + 1 bytes. */
void lower(char *target, const char *text);

void write_tables(const struct source *model_source);
void write_markdown(void);

#endif
