#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# isolated.sh COMMAND...: runs COMMAND, as root, in mount, network and process namespaces of its own, and passes its exit
# status on. Inside, lo is up and has 127.0.0.1 and KAITO_NODE_ADDRESS, and there is no other network; /run is empty;
# names are asked for at KAITO_NODE_ADDRESS; what is written to /var/lib and /var/log is gone afterwards. Whatever COMMAND started has ended when this ends, also
# when this is killed; what it mounted goes with it. KAITO_NODE_CGROUP names a control group for its containers, which is
# removed behind it; one that a killed run has left is removed by the next.
# Exit code 75: this machine does not allow that, and why is said.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/cluster/process.sh
. "$here/process.sh"

readonly CGROUPS=/sys/fs/cgroup
readonly CGROUP_PREFIX=kaito-test
readonly CPU_SHARES=16384
readonly REMOVE_DEADLINE_MS=10000
export KAITO_NODE_ADDRESS=10.88.0.1

# The folders that hold control groups: one for each hierarchy of version 1, and that of version 2.
hierarchies() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts; }

# With the weight of one process it would get next to nothing of a busy machine: there it stands for a whole node.
make_cgroup() { # NAME
  local hierarchy count=0
  while read -r hierarchy; do
    mkdir "$hierarchy/$1" 2>/dev/null || continue
    count=$((count + 1))
    if [[ -e $hierarchy/$1/cpu.shares ]]; then echo "$CPU_SHARES" >"$hierarchy/$1/cpu.shares"; fi
    if [[ -e $hierarchy/$1/cpu.weight ]]; then echo "$((CPU_SHARES * 100 / 1024))" >"$hierarchy/$1/cpu.weight"; fi
  done < <(hierarchies)
  ((count > 0))
}

# Removes the control group NAME and those below it, which the kernel allows as soon as they are empty.
remove_cgroup() { # NAME
  local began hierarchy left
  began=$(now_ms)
  while :; do
    left=$(while read -r hierarchy; do
      find "$hierarchy/$1" -depth -type d ! -exec rmdir {} \; -print 2>/dev/null
    done < <(hierarchies))
    [[ -n $left ]] || return 0
    (($(now_ms) - began < REMOVE_DEADLINE_MS)) || break
    sleep 0.1
  done
  complain "control groups that cannot be removed: ${left//$'\n'/ }"
  return 1
}

# A control group carries the number and the start time of the process that removes it.
remove_stale_cgroups() {
  local hierarchy name pid start_time
  while read -r hierarchy; do
    find "$hierarchy" -maxdepth 1 -type d -name "$CGROUP_PREFIX-*" -printf '%f\n' 2>/dev/null
  done < <(hierarchies) | sort -u | while read -r name; do
    IFS=- read -r pid start_time <<<"${name#"$CGROUP_PREFIX-"}"
    [[ $(process_start_time "$pid") == "$start_time" ]] || remove_cgroup "$name" || true
  done
}

# Inside, as the first process: the end of it is the end of all others.
settle() {
  local folder
  mount -t tmpfs -o mode=755 tmpfs /run || exit 1
  for folder in /var/lib /var/log; do
    mkdir -p "/run/overlay$folder/upper" "/run/overlay$folder/work"
    mount -t overlay -o "lowerdir=$folder,upperdir=/run/overlay$folder/upper,workdir=/run/overlay$folder/work" \
      overlay "$folder" || exit 1
  done
  # Nobody answers there yet: COMMAND may start a name server.
  echo "nameserver $KAITO_NODE_ADDRESS" >/run/name-server
  folder=$(readlink -m /etc/resolv.conf)
  mkdir -p "$(dirname "$folder")" && touch "$folder" && mount --bind /run/name-server "$folder" || exit 1
  ip link set lo up && ip address add "$KAITO_NODE_ADDRESS/32" dev lo
}

run_inside() {
  setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc "$0" --inside "$@" &
  child=$!
  wait "$child"
}

clean_up() {
  trap - EXIT
  if [[ -n ${child:-} ]]; then
    kill -KILL "$child" 2>/dev/null
    wait "$child" 2>/dev/null
  fi
  [[ -z ${KAITO_NODE_CGROUP:-} ]] || remove_cgroup "$KAITO_NODE_CGROUP"
}

main() {
  local tool status=0
  if [[ ${1:-} == --inside ]]; then
    settle || exit 1
    "${@:2}"
    exit
  fi
  ((EUID == 0)) || unavailable "namespaces with mounts and control groups need root"
  for tool in ip setpriv unshare; do
    command -v "$tool" >/dev/null || unavailable "$tool is missing (make deps-real)"
  done
  unshare --mount --net --pid --fork --kill-child --mount-proc true 2>/dev/null ||
    unavailable "this machine gives no mount, network and process namespaces"
  remove_stale_cgroups
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  KAITO_NODE_CGROUP=$CGROUP_PREFIX-$$-$(process_start_time $$)
  export KAITO_NODE_CGROUP
  make_cgroup "$KAITO_NODE_CGROUP" || unavailable "no control group can be made in $CGROUPS"
  run_inside "$@" || status=$?
  child=
  exit "$status"
}

main "$@"
