#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In a memory cgroup with the limit that the manifest gives the container: a tenant's ConfigMaps, lists without end, huge
# watch events and stalled uploads at once, also at a start: nothing is killed, and an honest review passes.
set -uo pipefail
# shellcheck source=tests/attack/lib.sh
. "$(dirname "$0")/lib.sh"
maps=60 uploads=17 rounds=2

cgroup=
cgroup_end() {
    attack_end
    [ -z "$cgroup" ] || rmdir "$cgroup" 2>/dev/null
}
trap cgroup_end EXIT
cgroup_make() { # DIRECTORY LIMIT-FILE
    mkdir "$1" 2>/dev/null || return
    cgroup=$1
    echo $((container_kib * 1024)) 2>/dev/null >"$cgroup/$2"
}
if ! cgroup_make "/sys/fs/cgroup/memory/kaito-attack.$$" memory.limit_in_bytes &&
    ! cgroup_make "/sys/fs/cgroup/kaito-attack.$$" memory.max; then
    skip "memory: SKIPPED, there is no memory cgroup that we may make: the container's limit is NOT tested"
    exit 0
fi
# What `exec`s the server as a member of the cgroup.
real=$webhook webhook=$work/webhook-in-cgroup
printf '#!/bin/sh\necho $$ >"%s/cgroup.procs" && exec "%s" "$@"\n' "$cgroup" "$real" >"$webhook"
chmod +x "$webhook"
killed() { sed -nE 's/^oom_kill ([0-9]+)$/\1/p' "$cgroup/memory.oom_control" "$cgroup/memory.events" 2>/dev/null | head -n 1; }
peak_mib() { echo $(($(cat "$cgroup/memory.max_usage_in_bytes" 2>/dev/null || cat "$cgroup/memory.peak") / 1048576)); }
review() {
    curl -fsSk --interface 127.0.0.2 --max-time 5 -H 'Content-Type: application/json' \
        --data-binary "@$work/review.json" "https://127.0.0.1:$webhook_port/validate-workspace" >"$work/answer" 2>&1 &&
        grep -q '"allowed":true' "$work/answer"
}
reviews_pass() { for _ in 1 2 3 4 5 6 7 8 9 10; do review || { cat "$work/answer" && return 1; }; done; }
maps_are_listed() { grep -q '"msg":"listed","kind":"ConfigMap"' "$webhook_log"; }
nothing_is_killed() { kill -0 "$webhook_pid" && [ "$(killed)" = 0 ]; }

# On a machine that the templates are for. The API server cannot give the template: a warning, no refusal.
sed 's/Standard_NC6s_v3/Standard_NC24ads_A100_v4/g' "$root/tests/bench/data/review.json" >"$work/review.json"
api_start "flood:$maps"
for round in $(seq "$rounds"); do
    webhook_start --workers=2 --reconcile=true --log-level=debug || { cat "$webhook_log" && exit 1; }
    check "start $round: it runs in the cgroup" grep -qx "$webhook_pid" "$cgroup/cgroup.procs"
    attackers_start python3 "$attack/clients.py" stalled-uploads "$webhook_port" "$uploads"
    check "start $round: $((2 * maps)) ConfigMaps of a megabyte are listed beside $uploads stalled uploads" until_true 60 maps_are_listed
    check "start $round: honest reviews pass" reviews_pass
    check "start $round: nothing is killed; at most $(peak_mib) of $((container_kib / 1024)) MiB, the kernel's caches among them" nothing_is_killed
    check "start $round: the server itself took $(peak_kib) KiB at most" at_most "peak memory in KiB" "$(peak_kib)" "$container_kib"
    # The uploads stay as they are; the server begins anew while they call again.
    webhook_stop
done
