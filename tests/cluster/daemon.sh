#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# daemon.sh DIR stop|kill|start NAME: ends (kill: by SIGKILL) or starts again one daemon of a cluster that up.sh made,
# on its old ports; for tests of what a client does while the API server is away.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/cluster/cluster.sh
. "$here/cluster.sh"

main() {
  (($# == 3)) || die "usage: daemon.sh DIR stop|kill|start NAME"
  local -r verb=$2 name=$3
  is_cluster_dir "$1" || die "$1 was not made by up.sh"
  open_cluster "$1"
  [[ " ${CLUSTER_DAEMONS[*]} " == *" $name "* ]] || die "no daemon $name: there are ${CLUSTER_DAEMONS[*]}"
  [[ -s $dir/ports ]] || die "$dir: the cluster is down (start it with up.sh $dir)"
  load_ports
  case $verb in
    stop) stop_daemon "$name" ;;
    kill)
      daemon_is_itself "$name" || die "$name does not run"
      signal_daemon "$name" KILL
      wait_until_gone "$name" "$KILL_GRACE_MS" || die "$name is still there after SIGKILL"
      ;;
    start)
      if daemon_alive "$name"; then die "$name runs already"; fi
      bring_up "$name" || {
        stop_daemon "$name"
        die "$name could not be started again (on a port that another process has now: $(daemon_ports "$name"))"
      }
      ;;
    *) die "usage: daemon.sh DIR stop|kill|start NAME" ;;
  esac
}

main "$@"
