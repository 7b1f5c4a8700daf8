#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check_watch.sh [--may-go-back NAME]... [--may-jump NAME]... FILE: do the conditions and the state of every Workspace in
# a recording of watch.sh only ever go forward? Prints each violation with the two events, and the count of events.
#   --may-go-back   Workspaces whose test takes something away from them (a node, a config map) without a new revision
#   --may-jump      those whose reconciler was not there while they ran: Running may be missing before Succeeded
# Exit codes: 0 all well, 1 a violation, or nothing was recorded.
set -euo pipefail
back=() jump=()
while [[ ${1:-} == --* ]]; do
    case $1 in
    --may-go-back) back+=("$2") ;;
    --may-jump) jump+=("$2") ;;
    *) echo "usage: check_watch.sh [--may-go-back NAME]... [--may-jump NAME]... FILE" >&2 && exit 2 ;;
    esac
    shift 2
done
names() { printf '%s\n' "$@" | jq -Rsc 'split("\n") | map(select(. != ""))'; }
result=$(jq -s --argjson back "$(names "${back[@]}")" --argjson jump "$(names "${jump[@]}")" \
    -f "$(dirname "$0")/check_watch.jq" "$1")
jq -r '.violations[] | "\(.workspace): \(.rule)",
    (if .before then "  before: \(.before | del(.conditions) | tojson)", (.before.conditions[] | "    \(.)") else empty end),
    "  \(if .before then "after: " else "event: " end) \(.after | del(.conditions) | tojson)", (.after.conditions[] | "    \(.)")' <<<"$result"
jq -r '"\(.events) events of \(.workspaces) Workspaces, \(.violations | length) violations\(if .gaps > 0 then ", \(.gaps) gaps" else "" end)"' <<<"$result"
jq -e '.events > 0 and (.violations | length == 0)' >/dev/null <<<"$result"
