/* SPDX-License-Identifier: Apache-2.0 */
/* The URL check on any bytes: its views lie in the text, and nothing that upstream refuses passes. */
#include <stdlib.h>

#include "text/url_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct kt_str view, const char *text, size_t size)
{
    if (view.length > 0 && (view.data < text || view.data + view.length > text + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of exactly this size, so that a read beyond it is seen. */
    char *text = kt_heap_alloc(size > 0 ? size : 1);
    if (!text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    struct kt_url_finding finding = kt_url_check((struct kt_str){text, size});
    check_view(finding.host, text, size);
    check_view(finding.path, text, size);
    if ((finding.verdict == KT_URL_OK) != (finding.reason == NULL))
        abort();
    if (finding.verdict == KT_URL_OK && (finding.upstream_refuses || finding.host.length == 0))
        abort();
    kt_heap_free(text);
    return 0;
}
