# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Starts and ends daemons by recorded identity, and finds free ports. A daemon NAME of the cluster in $dir (which
# cluster.sh sets) has
#   $dir/pids/NAME   "PID START_TIME EXECUTABLE", START_TIME as /proc/PID/stat gives it, so that a number that the
#                    kernel has given to another process meanwhile is never taken for ours
#   $dir/logs/NAME.log

readonly STOP_GRACE_MS=15000
readonly KILL_GRACE_MS=5000
readonly EXEC_GRACE_MS=2000

process_start_time() { # PID: nothing when there is none, or it has ended and only waits to be reaped
  local stat fields
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  # The name in parentheses may hold spaces; the state is the first field behind it, the start time the 20th.
  read -ra fields <<<"${stat##*) }"
  case ${fields[0]} in Z | X) ;; *) echo "${fields[19]}" ;; esac
}

read_pid_file() { # NAME; sets pid, start_time, executable; false when none is recorded
  [[ -s $dir/pids/$1 ]] && read -r pid start_time executable <"$dir/pids/$1"
}

daemon_alive() { # NAME
  local pid start_time executable
  read_pid_file "$1" && [[ $(process_start_time "$pid") == "$start_time" ]]
}

# True when the recorded process runs the recorded executable. A child that has not yet called exec is given a moment.
daemon_is_itself() { # NAME
  local pid start_time executable link began
  began=$(now_ms)
  while daemon_alive "$1" && read_pid_file "$1"; do
    link=$(readlink "/proc/$pid/exe") || link=
    if [[ ${link% (deleted)} == "$executable" ]]; then return 0; fi
    (($(now_ms) - began < EXEC_GRACE_MS)) || return 1
    sleep 0.02
  done
  return 1
}

# Starts COMMAND apart from our session, with no descriptor of ours (a caller that reads a pipe until its end would
# wait for the daemon otherwise), and records it.
start_daemon() { # NAME COMMAND...
  local -r name=$1
  shift
  local executable pid start_time
  local -r mask=${name//-/_}_umask
  executable=$(readlink -f "$1")
  mkdir -p "$dir/pids" "$dir/logs"
  (
    cd "$dir" || exit
    umask "${!mask:-077}"
    for descriptor in /proc/"$BASHPID"/fd/*; do
      descriptor=${descriptor##*/}
      # 255 is bash's own, which exec closes.
      if ((descriptor > 2 && descriptor != 255)); then eval "exec $descriptor>&-"; fi
    done
    exec setsid "$@" >>"logs/$name.log" 2>&1 </dev/null
  ) &
  pid=$!
  start_time=$(process_start_time "$pid")
  echo "$pid ${start_time:-0} $executable" >"$dir/pids/$name"
}

wait_until_gone() { # NAME DEADLINE_MS
  local began
  began=$(now_ms)
  while daemon_alive "$1"; do
    (($(now_ms) - began < $2)) || return 1
    sleep 0.05
  done
}

signal_daemon() { # NAME SIGNAL: only ever the process that was recorded
  local pid start_time executable
  read_pid_file "$1" || return 0
  kill -s "$2" "$pid" 2>/dev/null || true
}

# Ends a daemon: SIGTERM, and SIGKILL when that is not enough. False when a process is left, which it says.
stop_daemon() { # NAME
  local -r name=$1
  if daemon_alive "$name"; then
    if ! daemon_is_itself "$name"; then
      if daemon_alive "$name"; then
        complain "$name: the recorded process runs another program now; it is left alone ($dir/pids/$name)"
        return 1
      fi
    else
      signal_daemon "$name" TERM
      if ! wait_until_gone "$name" "$STOP_GRACE_MS"; then
        complain "$name: did not end within $((STOP_GRACE_MS / 1000)) s; killing it"
        signal_daemon "$name" KILL
        wait_until_gone "$name" "$KILL_GRACE_MS" || { complain "$name: is still there after SIGKILL"; return 1; }
      fi
    fi
  fi
  rm -f "$dir/pids/$name"
}

# The TCP ports in any use on this machine, one a line, by both address families.
ports_in_use() {
  local file
  for file in /proc/net/tcp /proc/net/tcp6; do
    if [[ -r $file ]]; then awk 'NR > 1 { sub(/.*:/, "", $2); print $2 }' "$file"; fi
  done | sort -u | while read -r file; do echo $((16#$file)); done
}

# COUNT different ports that nobody uses now, taken at random below the range from which the kernel takes the ports
# of outgoing connections. Nothing keeps them free until a daemon binds them: who starts one must expect to lose.
free_ports() { # COUNT
  local -r low=20000 high=32000
  local -A taken=()
  local port found=0
  while read -r port; do taken[$port]=1; done < <(ports_in_use)
  while ((found < $1)); do
    port=$((low + SRANDOM % (high - low)))
    if [[ -z ${taken[$port]:-} ]]; then
      taken[$port]=1
      found=$((found + 1))
      echo "$port"
    fi
  done
}

# True when the daemon itself, and not somebody who was faster, listens on the port.
daemon_listens() { # NAME PORT
  local pid start_time executable inode
  read_pid_file "$1" || return 1
  inode=$(awk -v port="$(printf ':%04X' "$2")" '$4 == "0A" && $2 ~ port "$" { print $10; exit }' /proc/net/tcp)
  [[ -n $inode && -n $(find "/proc/$pid/fd" -lname "socket:\[$inode\]" 2>/dev/null) ]]
}
