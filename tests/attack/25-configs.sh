#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A review whose config is the user's own ConfigMap, or upstream's template, costs at most 15 in 100 more instructions than
# one with the shipped template: what is in a ConfigMap is read when it comes, not in each review. Needs valgrind.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
: "${BUILD:=build}"
MOST_PERCENT=115

if ! command -v valgrind >/dev/null; then
    echo "skip configs: valgrind is not installed"
    exit 0
fi
make --no-print-directory -s BUILD="$BUILD" "$BUILD/bench/config_cost" >/dev/null ||
    { echo "not ok configs: cannot build bench/config_cost" && exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-configs.XXXXXX")
trap 'rm -rf "$work"' EXIT
valgrind --tool=callgrind --zero-before=measured_review --dump-after=measured_review --callgrind-out-file="$work/out" \
    "$BUILD/bench/config_cost" >"$work/lines" 2>"$work/log" || { cat "$work/log" && exit 1; }
bad=0 shipped='' part=2 # each is judged twice, and the second time counts
while IFS=$'\t' read -r name outcome; do
    instructions=$(sed -nE 's/^totals: ([0-9]+).*/\1/p' "$work/out.$part")
    part=$((part + 2))
    : "${shipped:=$instructions}"
    if [ "$outcome" = allowed ] && [ $((instructions * 100)) -le $((shipped * MOST_PERCENT)) ]; then
        echo "ok review with the config $name: $instructions instructions, $((instructions * 100 / shipped))% of the shipped one"
    else
        echo "not ok review with the config $name: $instructions instructions, the shipped one $shipped: $outcome"
        bad=1
    fi
done <"$work/lines"
[ "$part" -eq 8 ] || { echo "not ok configs: $part parts" && bad=1; }
exit "$bad"
