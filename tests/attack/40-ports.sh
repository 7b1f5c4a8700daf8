#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Connections that drip a byte now and then on the health and metrics ports silence neither.
set -uo pipefail
# shellcheck source=tests/attack/lib.sh
. "$(dirname "$0")/lib.sh"
count=200 looks=10
long && count=2000 looks=60

webhook_start --cluster-view=false || { cat "$webhook_log" && exit 1; }
answers() { # URL: as often as it is asked, within the kubelet's two seconds
    for _ in $(seq "$looks"); do
        curl -fsS --interface 127.0.0.2 --max-time 2 "$1" >/dev/null || return 1
        read -rt 0.3 <> <(:) || true
    done
}
attackers_start python3 "$attack/clients.py" plain-drip "$health_port" "$count"
check "/healthz answers beside $count dripping connections" answers "http://127.0.0.1:$health_port/healthz"
check "/readyz answers beside them" answers "http://127.0.0.1:$health_port/readyz"
attackers_start python3 "$attack/clients.py" plain-drip "$metrics_port" "$count" 127.0.0.3 127.0.0.4
check "/metrics answers beside $count dripping connections" answers "http://127.0.0.1:$metrics_port/metrics"
check "and memory is small: $(peak_kib) KiB" at_most "peak memory in KiB" "$(peak_kib)" 49152
