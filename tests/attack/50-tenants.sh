#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tenants who write as many large ConfigMaps as they like, or have an API server tell of no end of them: what is kept, and
# what is logged, has its bound, and admission goes on.
set -uo pipefail
# shellcheck source=tests/attack/lib.sh
. "$(dirname "$0")/lib.sh"
maps=40 events=3000
long && maps=120 events=20000
review() {
    curl -fsSk --interface 127.0.0.2 --max-time 5 -H 'Content-Type: application/json' \
        --data-binary "@$root/tests/bench/data/review.json" "https://127.0.0.1:$webhook_port/validate-workspace" | grep -q '"allowed"'
}

api_start "config-maps:$maps"
webhook_start --reconcile=true --log-level=debug || { cat "$webhook_log" && exit 1; }
maps_are_listed() { grep -q '"msg":"listed","kind":"ConfigMap"' "$webhook_log"; }
check "the tenants' ConfigMaps are listed" until_true 60 maps_are_listed
check "and not all are kept" grep -q '"msg":"an object is not kept"' "$webhook_log"
check "a review is answered beside $((2 * maps)) ConfigMaps of a megabyte" review
check "$((2 * maps)) ConfigMaps of a megabyte: $(peak_kib) KiB at most" at_most "peak memory in KiB" "$(peak_kib)" 98304
kept=$(rss_kib)
kill -USR1 "$api_pid"
memory_is_back() { [ "$(rss_kib)" -le $((kept - 2048)) ]; }
check "the memory comes back when they are deleted" until_true 60 memory_is_back
webhook_stop
attackers_stop

api_start "events:$events"
webhook_start --reconcile=true || { cat "$webhook_log" && exit 1; }
check "an API server tells of $events objects that do not fit" until_true 120 grep -q '^told' "$api_log"
read -rt 1 <> <(:) || true
webhook_stop
# Of one message 200 lines in ten seconds, from each of the three places that have this one; seconds are cut off.
lines_are_few() {
    jq -rs 'map(select(.msg == "an object is not kept") | .ts | fromdateiso8601) as $at | ($at | length) as $count
            | [range(0; $count - 600) | $at[. + 600] - $at[.]] | all(. >= 9)' "$webhook_log" | grep -qx true
}
check "the log has $(wc -l <"$webhook_log") lines of it, as many as it may" lines_are_few
check "and tells how many lines are left out" grep -q '"msg":"lines were left out","line":"an object is not kept","count":' "$webhook_log"
