/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Container image references by the grammar of distribution/reference (what `docker pull` accepts): an optional domain,
 * a repository path, an optional tag and digest. References without a domain are Docker Hub's ("busybox" is
 * docker.io/library/busybox), as reference.ParseDockerRef reads them.
 */
#ifndef KT_TEXT_IMAGE_REFERENCE_H
#define KT_TEXT_IMAGE_REFERENCE_H

#include "base/error.h"
#include "base/str.h"

struct kt_image_reference {
    struct kt_str domain;     /* "docker.io" when none was written, and for its old name "index.docker.io" */
    struct kt_str repository; /* path without domain, as written ("busybox", "kaito/out") */
    struct kt_str tag;        /* length 0: none, or there is a digest, which makes a tag meaningless */
    struct kt_str digest;     /* "sha256:..."; length 0: none */
};

/* Views into text (or constants). KT_EPARSE with what is wrong: upper case in the repository, bad tag, too long, ... */
int kt_image_reference_parse(struct kt_str text, struct kt_image_reference *ret, struct kt_error *error) KT_NODISCARD;
/* A tag alone. KT_EPARSE with what is wrong. */
int kt_image_tag_check(struct kt_str tag, struct kt_error *error) KT_NODISCARD;

#endif
