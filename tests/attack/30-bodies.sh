#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Uploads that stall: all bodies together have one budget, what is small passes, and the memory comes back.
set -uo pipefail
# shellcheck source=tests/attack/lib.sh
. "$(dirname "$0")/lib.sh"
uploads=24 small=200
long && uploads=100 small=600

webhook_start --cluster-view=false --workers=2 || { cat "$webhook_log" && exit 1; }
before=$(rss_kib)
review() {
    curl -fsSk --interface 127.0.0.2 --max-time 5 -H 'Content-Type: application/json' \
        --data-binary "@$root/tests/bench/data/review.json" "https://127.0.0.1:$webhook_port/validate-workspace" | grep -q '"allowed"'
}
budget_is_used() { [ $(($(rss_kib) - before)) -gt 15000 ]; }

attackers_start python3 "$attack/clients.py" stalled-uploads "$webhook_port" "$uploads"
check "stalled uploads are taken in up to the budget" until_true 30 budget_is_used
small_ones_pass() { for _ in 1 2 3 4 5 6 7 8 9 10; do review || return 1; done; }
check "small reviews pass beside $uploads stalled uploads" small_ones_pass
check "$uploads stalled uploads of 3.9 MB: $(peak_kib) KiB at most" at_most "peak memory in KiB" "$(peak_kib)" 65536
attackers_stop
memory_is_back() { [ "$(rss_kib)" -le $((before + 8192)) ]; }
check "the memory comes back when they are gone" until_true 20 memory_is_back

peak_reset
attackers_start python3 "$attack/clients.py" small-bodies "$webhook_port" "$small"
check "small reviews pass beside $small stalled small bodies" small_ones_pass
check "$small stalled bodies of 64 KiB: $(peak_kib) KiB at most" at_most "peak memory in KiB" "$(peak_kib)" 98304
attackers_stop
