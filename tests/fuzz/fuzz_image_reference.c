/* SPDX-License-Identifier: Apache-2.0 */
/* An image reference of any bytes: what is accepted can be put together again and is then read the same. */
#include <stdio.h>
#include <stdlib.h>

#include "text/image_reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct kt_image_reference *first)
{
    char text[2048];
    int length =
        snprintf(text, sizeof(text), "%.*s/%.*s%s%.*s%s%.*s", (int)first->domain.length, first->domain.data,
                 (int)first->repository.length, first->repository.data, first->tag.length > 0 ? ":" : "",
                 (int)first->tag.length, first->tag.data ? first->tag.data : "", first->digest.length > 0 ? "@" : "",
                 (int)first->digest.length, first->digest.data ? first->digest.data : "");
    if (length < 0 || (size_t)length >= sizeof(text))
        return; /* the grammar does not bound a domain */
    struct kt_image_reference again;
    if (kt_image_reference_parse(kt_str(text), &again, NULL) < 0 || !kt_str_equal(again.domain, first->domain) ||
        !kt_str_equal(again.repository, first->repository) || !kt_str_equal(again.tag, first->tag) ||
        !kt_str_equal(again.digest, first->digest))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = kt_heap_alloc(size > 0 ? size : 1);
    if (!text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    struct kt_image_reference reference = {0};
    struct kt_error error = {0};
    int r = kt_image_reference_parse((struct kt_str){text, size}, &reference, &error);
    if (r == 0)
        check_again(&reference);
    else if (r != KT_EPARSE || error.code != KT_EPARSE || error.message[0] == '\0')
        abort();
    kt_heap_free(text);
    return 0;
}
