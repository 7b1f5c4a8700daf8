/* SPDX-License-Identifier: Apache-2.0 */
#include "generator.h"

int main(int argument_count, char **arguments)
{
    bool markdown = argument_count == 5 && kt_streq(arguments[1], "--markdown");
    if (argument_count != 4 && !markdown) {
        fprintf(stderr, "usage: generate [--markdown] models.yaml skus.yaml images.yaml\n");
        return 2;
    }
    struct source model_source = {.path = arguments[argument_count - 3]};
    struct source sku_source = {.path = arguments[argument_count - 2]};
    struct source image_source = {.path = arguments[argument_count - 1]};
    read_models_file(&model_source);
    read_skus_file(&sku_source);
    read_images_file(&image_source);
    if (tables.error_count == 0) {
        check_models(&model_source);
        check_skus(&sku_source);
        check_images(&image_source);
    }
    if (tables.error_count == 0 && markdown) {
        write_markdown();
    } else if (tables.error_count == 0) {
        write_tables(&model_source);
    }
    if (model_source.loaded) {
        yaml_document_delete(&model_source.document);
    }
    if (sku_source.loaded) {
        yaml_document_delete(&sku_source.document);
    }
    if (image_source.loaded) {
        yaml_document_delete(&image_source.document);
    }
    return tables.error_count == 0 && fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
