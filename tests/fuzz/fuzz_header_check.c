/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a header block: never a crash, and nothing accepted that holds a NUL, a bare line feed or two lengths.
 */
#include <stdlib.h>

#include "webhook/serve/header_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kt_str bytes = {(const char *)data, size};
    size_t length = kt_header_block_length(bytes);
    if (length == 0)
        return 0;
    struct kt_header_verdict verdict = kt_header_check((struct kt_str){bytes.data, length}, 1000);
    if (verdict.status != 0)
        return 0;
    if (memchr(data, '\0', length) || verdict.content_length > 1000)
        abort();
    for (size_t i = 0; i < length; i++)
        if (data[i] == '\n' && (i == 0 || data[i - 1] != '\r'))
            abort();
    return 0;
}
