#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Reviews that cost more than their size tells: none takes more than 100 million instructions or the memory of its arena.
# Some of the dearest; with ATTACK_LONG=1 every shape, at sizes around its limit. Needs valgrind. No time is asserted.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
: "${BUILD:=build}"
INSTRUCTIONS_MOST=100000000
ARENA_MOST=$((24 * 1024 * 1024))

if ! command -v valgrind >/dev/null; then
    echo "skip reviews: valgrind is not installed"
    exit 0
fi
make --no-print-directory -s BUILD="$BUILD" "$BUILD/bench/cost" >/dev/null || { echo "not ok reviews: cannot build bench/cost" && exit 1; }
if [ -n "${ATTACK_LONG:-}" ]; then
    reviews=(all 25 all 50 all 100 all 200)
else
    reviews=(unknown-keys-like-known 1700 unknown-keys-long 470 labels-bad-reordered 9500 config-integers 18000
        urls-taken 19500 image-long 1500000 nodes-preferred 19500 broken-at-its-end 1000000)
fi
measured=$(tests/bench/cost.sh "${reviews[@]}") || { echo "not ok reviews: they cannot be measured" && exit 1; }
bad=0
while IFS=$'\t' read -r instructions shape items bytes steps arena outcome; do
    detail="$instructions instructions, $arena bytes of memory ($bytes bytes sent, $steps steps, $outcome)"
    if [ "$instructions" -le "$INSTRUCTIONS_MOST" ] 2>/dev/null && [ "$arena" -le "$ARENA_MOST" ]; then
        echo "ok review $shape of $items: $detail"
    else
        echo "not ok review $shape of $items: $detail"
        bad=1
    fi
done <<<"$measured"
exit "$bad"
