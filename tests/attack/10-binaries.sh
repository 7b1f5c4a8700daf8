#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the programs are like before anybody sends them anything: hardening, closed descriptors, no memory at the start.
set -uo pipefail
# shellcheck source=tests/attack/lib.sh
. "$(dirname "$0")/lib.sh"
programs=("$plugin" "$webhook")

hardened() {
    local program
    for program in "${programs[@]}"; do
        readelf -hW "$program" | grep -q 'Type: *DYN' || { echo "$program is not position-independent" && return 1; }
        readelf -dW "$program" | grep -q 'BIND_NOW\|NOW' || { echo "$program binds lazily" && return 1; }
        readelf -lW "$program" | grep -q 'GNU_RELRO' || { echo "$program has no RELRO" && return 1; }
        readelf -lW "$program" | grep 'GNU_STACK' | grep -q 'RWE' && echo "$program has an executable stack" && return 1
    done
    return 0
}
check "position-independent, read-only relocations, no executable stack" hardened

# Our own objects carry both notes. The linker keeps what all objects have: for indirect branches that needs start-up
# objects of the C library with landing pads, which Debian 12 does not have.
cet_notes() {
    local program object wanted=SHSTK
    for object in "$build"/objects/{shared,certs,plugin,webhook}/*.o "$build"/objects/{shared,webhook}/*/*.o; do
        [ -f "$object" ] || continue
        readelf -nW "$object" | grep -q 'IBT, SHSTK' || { echo "$object carries no CET note" && return 1; }
    done
    readelf -nW "$(gcc -print-file-name=Scrt1.o)" | grep -q IBT && wanted='IBT, SHSTK'
    for program in "${programs[@]}"; do
        readelf -nW "$program" | grep -q "x86 feature:.*$wanted" || { echo "$program does not say $wanted" && return 1; }
    done
}
if [ "$(uname -m)" = x86_64 ]; then check "CET: a shadow stack, and landing pads where the C library has them" cet_notes
else skip "CET is of x86_64"; fi

# Without descriptors 0 to 2 no file takes their numbers; output that goes nowhere is a failure as before.
closed_descriptors() {
    "$plugin" version --client <&- >"$work/out" 2>&1 || return
    grep -q . "$work/out" || return
    "$plugin" skus >&- 2>"$work/err" && echo "no failure without standard output" && return 1
    grep -q 'cannot write' "$work/err" || { cat "$work/err" && return 1; }
    "$plugin" check -f "$root/examples" <&- >/dev/null 2>&-
    [ $? -lt 128 ] || return
    "$webhook" --version <&- 2>&- | grep -q kaito-webhook
}
check "closed standard descriptors" closed_descriptors

# The n-th allocation fails, and all after it: OpenSSL's own first ones, too. An error, never a crash.
first_allocations() {
    local step=97 n status program
    long && step=7
    cat >"$work/fail.c" <<'C'
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
static atomic_long count;
static long first;
__attribute__((constructor)) static void begin(void) { const char *n = getenv("FAIL_FROM"); first = n ? atol(n) : 0; }
static int fails(void) { return first > 0 && atomic_fetch_add(&count, 1) + 1 >= first; }
void *malloc(size_t n) { return fails() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t m) { return fails() ? NULL : __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { return fails() ? NULL : __libc_realloc(p, n); }
C
    gcc -shared -fPIC -O1 -o "$work/fail.so" "$work/fail.c" || return
    for program in "$plugin" "$webhook"; do
        for ((n = 1; n < 9000; n += step)); do
            FAIL_FROM=$n LD_PRELOAD=$work/fail.so "$program" --version >/dev/null 2>&1 </dev/null
            status=$?
            [ "$status" -lt 128 ] || { echo "$program ends with $status when allocation $n fails" && return 1; }
        done
    done
}
if [ -z "${SANITIZED:-}" ]; then check "no memory at the start is an error, not a crash" first_allocations; fi
