#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hostile input, clients and servers: every script beside this one, in the order of their names, or those that are named.
# ATTACK_LONG=1 (`make attack`): in full; otherwise what fits into a minute or two. What is asserted is memory, counts and
# instructions, never time.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
scripts=()
if [ $# -gt 0 ]; then
    for name in "$@"; do scripts+=("tests/attack/$name.sh"); done
else
    for script in tests/attack/*.sh; do
        case $script in */run.sh | */lib.sh) ;; *) scripts+=("$script") ;; esac
    done
fi
bad=0
for script in "${scripts[@]}"; do
    output=$("$script" 2>&1)
    status=$?
    printf '%s\n' "$output"
    # A script that dies on its way has not said so by itself.
    if [ "$status" -ne 0 ] && ! grep -q '^not ok ' <<<"$output"; then
        echo "not ok attack: $script ended with status $status"
    fi
    ! grep -q '^not ok ' <<<"$output" && [ "$status" -eq 0 ] || bad=1
done
exit "$bad"
