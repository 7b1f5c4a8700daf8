#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Figures of this machine, with the ratio to what the real Kaito v0.12.0 showed on two shared cores (README.md). Nothing
# here is a timed test; only allocations, bytes and instructions have a bound, below.
set -uo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

INSTRUCTIONS_MOST=450000     # of one review; a bound against growing without being seen
HOSTILE_INSTRUCTIONS_MOST=100000000 # of any review that the limits let through
PLUGIN_BYTES_MOST=1000000    # stripped
WEBHOOK_BYTES_MOST=1000000
requests=${BENCH_REQUESTS:-100000}
review_file=$root/tests/bench/data/review.json
work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-bench.XXXXXX")
trap 'webhook_stop; rm -rf "$work"' EXIT
bad=0
ratio() { awk -v ours="$1" -v theirs="$2" 'BEGIN {printf "%.0fx less than %s", theirs / ours, theirs}'; }
bound() { # NAME VALUE MOST
    [ "$2" -le "$3" ] || { echo "NOT WITHIN ITS BOUND: $1 is $2, the most is $3" && bad=1; }
}
instructions() { # COUNT
    valgrind --tool=callgrind --callgrind-out-file="$work/callgrind.$1" "$build/bench/review" "$review_file" "$1" 2>&1 |
        sed -nE 's/.*Collected : ([0-9]+).*/\1/p'
}

echo "machine: $(nproc) cores, $(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -n 1), load $(cut -d' ' -f1 /proc/loadavg)"
echo "== one review in process (parse, default, judge, encode)"
"$build/bench/review" "$review_file" 20000 || bad=1
if command -v valgrind >/dev/null; then
    few=$(instructions 1) many=$(instructions 101)
    each=$(((many - few) / 100))
    echo "$each instructions a review"
    bound "instructions of a review" "$each" "$INSTRUCTIONS_MOST"
else
    echo "SKIPPED: valgrind is not installed"
fi

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
webhook_start --cluster-view=false || { cat "$webhook_log" && exit 1; }
until_true 5 openssl s_client -connect "127.0.0.1:$webhook_port" </dev/null
echo "start to the first TLS answer, with this script's polling: $((($(date +%s%N) - started) / 1000000)) ms (1130 ms)"
echo "idle: $(memory)  (58900 kB)"
for connections in 1 16; do
    "$build/bench/load" "$webhook_port" "$work/webhook-certs/ca.crt" "$review_file" /validate-workspace "$connections" \
        "$((requests / 2))" "$webhook_pid" || bad=1
done
echo "after $requests requests: $(memory)  (76800 kB)"
exit "$bad"
