#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Instructions of hostile reviews. Usage: cost.sh SHAPE ITEMS...   (see cost.c; "all 100" is every shape at its limit)
#
# A line each, the dearest first: instructions, shape, items, bytes of the body, steps of work, arena bytes, outcome.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
: "${BUILD:=build}"
work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-cost.XXXXXX")
trap 'rm -rf "$work"' EXIT
valgrind --tool=callgrind --zero-before=measured_review --dump-after=measured_review \
    --callgrind-out-file="$work/out" "$BUILD/bench/cost" "$@" >"$work/lines" 2>"$work/log" ||
    { cat "$work/log" >&2 && exit 1; }
part=2 # the first is the review that loads the tables
while IFS= read -r line; do
    total=$(sed -nE 's/^totals: ([0-9]+).*/\1/p' "$work/out.$part")
    printf '%s\t%s\n' "${total:-unknown}" "$line"
    part=$((part + 1))
done <"$work/lines" | sort -rn
