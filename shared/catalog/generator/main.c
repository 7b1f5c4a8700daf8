/* SPDX-License-Identifier: Apache-2.0 */
#include "generator.h"

int main(int argument_count, char **arguments)
{
    bool markdown = argument_count == 4 && kt_streq(arguments[1], "--markdown");
    if (argument_count != 3 && !markdown) {
        fprintf(stderr, "usage: generate [--markdown] models.yaml skus.yaml\n");
        return 2;
    }
    struct source model_source = {.path = arguments[argument_count - 2]};
    struct source sku_source = {.path = arguments[argument_count - 1]};
    read_models_file(&model_source);
    read_skus_file(&sku_source);
    if (tables.error_count == 0) {
        check_models(&model_source);
        check_skus(&sku_source);
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
    return tables.error_count == 0 && fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
