#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tunings in pods that really run: containerd and a kubelet on this machine, with the tools that the Jobs name and a stand-in
# for the trainer. See README.md. Prints one line a test. KEEP=1 leaves the folder with all logs; PARTS="10 30" runs only
# parts whose names begin so.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
readonly UNAVAILABLE=75

skip() { echo "skip real: $*"; }

# What is not on this machine, in words; nothing when all is.
missing_programs() {
    local tool
    for tool in containerd ctr runc skopeo busybox curl jq "${CC:-cc}"; do
        command -v "${tool##* }" >/dev/null || echo "${tool##* }"
    done
    [ -x /usr/lib/cni/ptp ] || echo "the CNI plugin ptp"
    /usr/bin/python3 -c 'import yaml' 2>/dev/null || echo "python3-yaml"
}

missing=$(missing_programs | paste -sd ' ')
if [ -n "$missing" ]; then
    skip "not installed here: $missing (make deps-real)"
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-real.XXXXXX") || exit 1
clean_up() {
    if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

run() { # COMMAND...: what cannot be had here is a skip with the reason
    local status=0
    "$@" 2>"$work/errors" || status=$?
    [ "$status" -ne 0 ] || return 0
    if [ "$status" -eq "$UNAVAILABLE" ]; then
        skip "$(tail -n 1 "$work/errors")"
    else
        echo "not ok real: ${1##*/} ended with status $status"
        tail -n 20 "$work/errors" | sed 's/^/    /'
    fi
    exit 0
}

isolated=$root/tests/cluster/isolated.sh

check() { # NAME COMMAND...
    local output
    if output=$("${@:2}" 2>&1); then echo "ok real: $1"; else
        echo "not ok real: $1"
        printf '%s\n' "$output" | sed 's/^/    /'
    fi
}

until_true() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        read -rt 0.1 <> <(:) || true
    done
}

# Mounts, processes and control groups of ours on the machine.
leftovers() { # CGROUP_PATTERN
    grep -F "$work" /proc/mounts
    find /proc -maxdepth 2 -name cwd -lname "$work*" 2>/dev/null
    find /sys/fs/cgroup -maxdepth 2 -name "$1" 2>/dev/null
    find /run/netns -mindepth 1 2>/dev/null
}
nothing_is_left() { [ -z "$(leftovers "$1")" ] || { leftovers "$1" && return 1; }; }

# SIGKILL leaves nobody time to tidy up.
killed_run_leaves_nothing() {
    "$isolated" bash -c 'cd "$0" && setsid sleep 600 & mount -t tmpfs tmpfs "$0/mount" && : >"$0/begun" && wait' "$work" &
    local -r killed=$!
    mkdir "$work/mount"
    until_true 20 test -e "$work/begun" || { echo "it has not begun" && return 1; }
    kill -KILL "$killed"
    wait "$killed" 2>/dev/null
    until_true 20 nothing_is_left none || { leftovers none && return 1; }
    "$isolated" true && nothing_is_left "kaito-test-$killed-*"
}

run "$isolated" true
run "$root/tests/cluster/build.sh" --with-pods >"$work/build.log"
check "a run that is killed leaves nothing behind" killed_run_leaves_nothing
run "$isolated" "$here/inside.sh" "$work"
check "nothing is left on the machine" nothing_is_left "$(cat "$work/cgroup")"
