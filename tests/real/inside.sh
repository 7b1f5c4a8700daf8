#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# inside.sh FOLDER: the tests, inside the namespaces of tests/cluster/isolated.sh. What is started here ends with them.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib.sh
. "$here/../e2e/lib.sh"
# shellcheck source=tests/real/lib.sh
. "$here/lib.sh"
work=$1
layer=real
echo "$KAITO_NODE_CGROUP" >"$work/cgroup"

set_up() {
    start_servers || return
    make_images || return
    push_inputs || return
    make_volumes && make_secrets default || return
    install_manifests && kubectl apply -f "$here/objects.yaml" >/dev/null && make_secrets limited || return
    play_provisioner
    give_gpus || return
    webhook_kubeconfig && webhook_start --reconcile=true --preset-registry="$registry/public" && register_webhooks
}

cluster_up --with-pods "$work/cluster"
case $? in
0) ok "a node is ready, with containerd and a kubelet" ;;
75)
    skip "$(tail -n 1 "$work/cluster.log")"
    exit 0
    ;;
*)
    not_ok "a node is ready, with containerd and a kubelet"
    sed 's/^/    /' "$work/cluster.log"
    exit 0 # it is said
    ;;
esac
set_up >"$work/set-up.log" 2>&1 || {
    not_ok "set up"
    sed 's/^/    /' "$work/set-up.log" "${webhook_log:-/dev/null}"
    exit 0 # it is said
}

for part in "$here"/[0-9]*.sh; do
    if [ -n "${PARTS:-}" ]; then
        wanted=
        for prefix in $PARTS; do case $(basename "$part") in "$prefix"*) wanted=1 ;; esac done
        [ -n "$wanted" ] || continue
    fi
    # shellcheck source=/dev/null
    . "$part"
done
