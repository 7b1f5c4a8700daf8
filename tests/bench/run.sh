#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Figures of this machine, with the ratio to what the real Kaito v0.12.0 showed on two shared cores (README.md). Nothing
# here is a timed test; only allocations, bytes and instructions have a bound, below.
set -uo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

INSTRUCTIONS_MOST=300000     # of one review; a bound against growing without being seen
OWN_INSTRUCTIONS_MOST=700000 # of one whose ConfigMap is the user's own, with other values than a template's
HOSTILE_INSTRUCTIONS_MOST=100000000 # of any review that the limits let through
PLUGIN_BYTES_MOST=1000000    # stripped
WEBHOOK_BYTES_MOST=1000000
requests=${BENCH_REQUESTS:-100000}
review_file=$root/tests/bench/data/review.json
work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-bench.XXXXXX")
apiserver_pid=
stop_all() {
    webhook_stop
    [ -z "$apiserver_pid" ] || kill "$apiserver_pid"
    rm -rf "$work"
}
trap stop_all EXIT
bad=0
ratio() { awk -v ours="$1" -v theirs="$2" 'BEGIN {printf "%.0fx less than %s", theirs / ours, theirs}'; }
bound() { # NAME VALUE MOST
    [ "$2" -le "$3" ] || { echo "NOT WITHIN ITS BOUND: $1 is $2, the most is $3" && bad=1; }
}
instructions() { # FILE
    valgrind --tool=callgrind --toggle-collect=measured_reviews --callgrind-out-file="$work/callgrind" \
        "$build/bench/review" "$1" 100 "$work/kubeconfig" 2>&1 | awk '/ Collected : / {print int($NF / 100)}'
}

# What the server sees: the shipped templates, and in the user's namespace a copy of each with another rank. One review uses
# the method's template, the other names the copy.
templates_as_list() {
    awk 'BEGIN {first = 1} /^#/ {next} /^---$/ {first = 1; next} {print (first ? "- " : "  ") $0; first = 0}' \
        "$root/manifests/base/templates.yaml"
}
{ templates_as_list && templates_as_list | sed -E 's/^( +namespace: ).*/\1default/; s/\<r: 8$/r: 16/'; } >"$work/objects.yaml"
sed 's/"method":"qlora"/&,"config":"qlora-params-template-below-8.0"/' "$review_file" >"$work/own.json"
"$build/bench/apiserver" "$work/objects.yaml" "$work/kubeconfig" &
apiserver_pid=$!
until_true 5 grep -q contexts "$work/kubeconfig" || { echo "the API server did not start" && exit 1; }
each_config() { # COMMAND: runs it with what it is called, the review's file, and the bound of its instructions
    "$1" "with the shipped template" "$review_file" "$INSTRUCTIONS_MOST"
    "$1" "with a ConfigMap of the user's own" "$work/own.json" "$OWN_INSTRUCTIONS_MOST"
}

echo "machine: $(nproc) cores, $(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -n 1), load $(cut -d' ' -f1 /proc/loadavg)"
echo "== one review in process (parse, default, judge, encode)"
in_process() { # WHAT FILE MOST
    local each
    printf '%s: ' "$1"
    "$build/bench/review" "$2" 20000 "$work/kubeconfig" || bad=1
    command -v valgrind >/dev/null || { echo "SKIPPED: valgrind is not installed" && return; }
    each=$(instructions "$2")
    echo "    ${each:-no} instructions a review"
    bound "instructions of a review $1" "${each:-$((${3} + 1))}" "$3"
}
each_config in_process

echo "== hostile reviews: instructions against items (instructions, shape, items, bytes, steps, arena bytes, outcome)"
if command -v valgrind >/dev/null; then
    curves=$("$root/tests/bench/cost.sh" all 12 all 25 all 50 all 100 all 200) || bad=1
    sort -t "$(printf '\t')" -k 2,2 -k 3,3n <<<"$curves"
    bound "instructions of the dearest hostile review" "$(head -n 1 <<<"$curves" | cut -f 1)" "$HOSTILE_INSTRUCTIONS_MOST"
fi

echo "== stripped sizes"
for name in kubectl-kaito kaito-webhook; do
    strip -o "$work/$name" "$build/bin/$name"
    size=$(stat -c %s "$work/$name")
    case $name in
    kubectl-kaito) echo "$name $size bytes ($(ratio "$size" 65694104) bytes)" && bound "$name" "$size" $PLUGIN_BYTES_MOST ;;
    *) echo "$name $size bytes ($(ratio "$size" 59900000) bytes)" && bound "$name" "$size" $WEBHOOK_BYTES_MOST ;;
    esac
done

echo "== server"
cluster_dir=$work
memory() { awk '/^VmRSS|^VmHWM/ {printf "%s %d kB  ", $1, $2}' "/proc/$webhook_pid/status"; }
started=$(date +%s%N)
webhook_kubeconfig_file=$work/kubeconfig
webhook_start || { cat "$webhook_log" && exit 1; }
until_true 5 openssl s_client -connect "127.0.0.1:$webhook_port" </dev/null
echo "start to the first TLS answer, with this script's polling: $((($(date +%s%N) - started) / 1000000)) ms (1130 ms)"
echo "idle: $(memory)  (58900 kB)"
under_load() { # WHAT FILE
    local connections
    for connections in 1 16; do
        printf '%s, ' "$1"
        "$build/bench/load" "$webhook_port" "$work/webhook-certs/ca.crt" "$2" /validate-workspace "$connections" \
            "$((requests / 4))" "$webhook_pid" || bad=1
    done
}
each_config under_load
echo "after $requests requests: $(memory)  (76800 kB)"
exit "$bad"
