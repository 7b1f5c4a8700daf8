#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Clients that keep connections, or open ever more, beside one that means it well: of its new connections fewer than one in
# a hundred fail, of its kept ones none, and the server stays ready and small.
set -uo pipefail
# shellcheck source=tests/attack/lib.sh
. "$(dirname "$0")/lib.sh"
seconds=2 limit=128 many=160
long && seconds=10 limit=512 many=640
review=$root/tests/bench/data/review.json
three="127.0.0.3 127.0.0.4 127.0.0.5"

webhook_start --cluster-view=false --workers=2 --connection-limit=$limit || { cat "$webhook_log" && exit 1; }

honest_beside() { # NAME MOST_MIB KIND COUNT SOURCE...
    local name=$1 most=$2 result new new_failed kept kept_failed ready
    shift 2
    peak_reset
    mkfifo "$work/go" 2>/dev/null
    python3 "$attack/honest.py" "$webhook_port" "$seconds" "$review" wait <"$work/go" >"$work/honest.log" 2>&1 &
    local honest=$!
    exec 7>"$work/go"
    until_true 20 grep -q '^connected' "$work/honest.log" || { cat "$work/honest.log" && return 1; }
    attackers_start python3 "$attack/clients.py" "$1" "$webhook_port" "${@:2}" || return 1
    echo >&7
    ready=0
    while kill -0 "$honest" 2>/dev/null; do
        http_ok "http://127.0.0.1:$health_port/readyz" >/dev/null 2>&1 || ready=$((ready + 1))
        read -rt 0.3 <> <(:) || true
    done
    exec 7>&-
    wait "$honest"
    attackers_stop
    result=$(grep '^new ' "$work/honest.log") || { cat "$work/honest.log" && return 1; }
    read -r _ new _ new_failed _ kept _ kept_failed <<<"$result"
    echo "$name: $result, not ready $ready times, peak $(peak_kib) KiB" | tee -a "$work/table"
    sed -n '/^#/p' "$work/honest.log"
    [ "$new" -gt 0 ] && [ "$kept" -gt 0 ] && [ $((new_failed * 100)) -lt "$new" ] || return 1
    [ "$kept_failed" -eq 0 ] && [ "$ready" -eq 0 ] && at_most "peak memory in KiB" "$(peak_kib)" $((most * 1024))
}

run() { # NAME MOST_MIB KIND COUNT SOURCE...
    if honest_beside "$@" >"$work/detail" 2>&1; then
        ok "honest beside $(head -n 1 "$work/detail")"
    else
        not_ok "honest beside $1"
        sed 's/^/    /' "$work/detail"
    fi
    long && sed -n 's/^#/    #/p' "$work/detail"
    return 0
}

run "$many idle TLS connections" 64 idle-tls "$many"
# shellcheck disable=SC2086
long && run "$many idle ones of three addresses" 64 idle-tls "$many" $three
run "$many silent TCP connections" 64 silent "$many"
run "$many slow headers" 64 slow-headers "$many"
run "$many slow bodies" 96 slow-bodies "$many"
long && run "connections opened and closed" 64 churn 4
run "handshakes abandoned" 96 handshakes 4
run "bodies of 3.6 MB" 160 large-bodies 4
