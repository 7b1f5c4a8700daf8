#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs fuzzers for a while each, from their corpora: tests/fuzz/run.sh SECONDS NAME...
# New inputs stay in the build folder; a crash is copied to tests/fuzz/corpus/NAME/crash-* by hand once it is mended.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
: "${BUILD:=build/fuzz}"
seconds=$1
shift
bad=0
for name in "$@"; do
    found=$BUILD/found/$name
    mkdir -p "$found"
    corpus=()
    [ -d "tests/fuzz/corpus/$name" ] && corpus=("tests/fuzz/corpus/$name")
    log=$BUILD/found/$name.log
    if "$BUILD/fuzzers/$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -artifact_prefix="$found/crash-" \
        "$found" "${corpus[@]}" >"$log" 2>&1; then
        echo "ok fuzz: $name: $(grep -oE 'Done [0-9]+ runs' "$log" | tail -n 1)"
    else
        echo "not ok fuzz: $name (see $log)"
        tail -n 30 "$log"
        bad=1
    fi
done
exit "$bad"
