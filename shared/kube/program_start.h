/* SPDX-License-Identifier: Apache-2.0 */
/* What a program does before anything else. */
#ifndef KT_KUBE_PROGRAM_START_H
#define KT_KUBE_PROGRAM_START_H

#include "base/error.h"

/* Makes sure that descriptors 0 to 2 are open, so that no file or socket gets one of these numbers and then the text
 * that is meant for the terminal; one that was closed still refuses to be read or written. Then sets up OpenSSL, which
 * would crash later, at its first use, if it found no memory for that. Once, before other threads. KT_ENOMEM, KT_EIO.
 */
int kt_program_start(struct kt_error *error) KT_NODISCARD;

#endif
