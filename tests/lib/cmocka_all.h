/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka and the headers that it wants in front of it. */
#ifndef KT_TESTS_LIB_CMOCKA_ALL_H
#define KT_TESTS_LIB_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
