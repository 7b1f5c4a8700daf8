#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# End to end: a real control plane on loopback, the shipped manifests, both programs. Prints one line a test.
# KEEP=1 leaves the folder with all logs.
set -uo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-e2e.XXXXXX")
clean_up() {
    webhook_stop
    cluster_down
    if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap clean_up EXIT

cluster_up "$work/cluster"
case $? in
0) ;;
75)
    skip "the cluster binaries cannot be had here: $(tail -n 1 "$work/cluster.log")"
    exit 0
    ;;
*)
    not_ok "the control plane starts"
    sed 's/^/    /' "$work/cluster.log"
    exit 1
    ;;
esac
ok "the control plane starts"

set_up() { install_manifests && webhook_kubeconfig && webhook_start && register_webhooks; }
if ! set_up >"$work/set-up.log" 2>&1; then
    not_ok "set up"
    sed 's/^/    /' "$work/set-up.log" "${webhook_log:-/dev/null}"
    exit 1
fi

for part in "$root"/tests/e2e/[0-9]*.sh; do
    # shellcheck source=/dev/null
    . "$part"
done
