#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# down.sh [--keep] DIR: ends the daemons that up.sh recorded in DIR, and no other process. The logs stay. The data go,
# unless --keep is given: then `up.sh DIR` goes on with the same objects, certificates and ports.
# Exit codes: 0 nothing of the cluster runs any more, 1 something could not be ended.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/cluster/cluster.sh
. "$here/cluster.sh"

main() {
  local keep='' began
  if [[ ${1:-} == --keep ]]; then
    keep=yes
    shift
  fi
  [[ $# -eq 1 && -n $1 && $1 != -* ]] || die "usage: down.sh [--keep] DIR"
  if [[ ! -d $1 ]]; then
    say "$1 is not there: nothing to end"
    exit 0
  fi
  is_cluster_dir "$1" || die "$1 was not made by up.sh"
  began=$(now_ms)
  open_cluster "$1"
  stop_cluster || die "$dir: not everything has ended (see above)"
  if [[ -z $keep ]]; then rm -rf "$dir/etcd" "$dir/ports" "$dir/kubectl-cache"; fi
  say "down in $(seconds_since "$began"); logs are in $dir/logs"
}

main "$@"
