# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# A client that sits behind a network which can be cut: two network namespaces of our own, joined by a pair of veth, and
# a relay from the far one to a server on this machine. Nothing outside these namespaces is changed. Sourced.
#
# The client has two addresses. A cut takes both away; when the network comes back the client speaks from the other one,
# and all that its old connections send is lost for good, without a reset: a laptop that was asleep and got another
# address, or a NAT that has forgotten.

network_peer=10.251.7.1 network_old=10.251.7.2 network_far=10.251.7.5 network_new=10.251.7.6
network_source=$network_old # which of the two it speaks from

in_client() { "${network_client[@]}" "$@"; }
in_peer() { nsenter --net="/proc/$network_peer_pid/ns/net" "$@"; }

# Why there can be no such network here; nothing when there can.
network_obstacle() {
    local tool
    for tool in ip unshare nsenter "${CC:-cc}"; do
        command -v "$tool" >/dev/null || { echo "$tool is not installed" && return; }
    done
    [ "$(id -u)" = 0 ] || { echo "network namespaces need root" && return; }
    unshare --net true 2>/dev/null || { echo "this machine lets nobody make a network namespace" && return; }
}

network_hold() { # a process that keeps a namespace of its own; its id is in $held
    unshare --net sleep infinity &
    held=$!
    until_true 10 sh -c "[ \"\$(readlink /proc/$held/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]"
}

# network_up DIR PORT: the client reaches 127.0.0.1:PORT of this machine at $network_peer:$network_port.
network_up() {
    local dir=$1 client_mac peer_mac
    network_hold && network_client_pid=$held && network_hold && network_peer_pid=$held || return
    # In front of what runs in the background, so that $! is its own id.
    network_client=(nsenter --net="/proc/$network_client_pid/ns/net")
    ip link add v0 netns "$network_client_pid" type veth peer name v0 netns "$network_peer_pid" || return
    in_client ip link set lo up && in_client ip link set v0 up && in_peer ip link set v0 up || return
    in_client ip addr add "$network_old/30" dev v0 && in_client ip addr add "$network_new/30" dev v0 || return
    in_peer ip addr add "$network_peer/30" dev v0 && in_peer ip addr add "$network_far/30" dev v0 || return
    # No questions about addresses: a cut must lose connections, not neighbours.
    client_mac=$(in_client ip -o link show v0 | sed -E 's|.*link/ether ([0-9a-f:]+).*|\1|')
    peer_mac=$(in_peer ip -o link show v0 | sed -E 's|.*link/ether ([0-9a-f:]+).*|\1|')
    in_client ip neigh replace "$network_peer" lladdr "$peer_mac" dev v0 nud permanent || return
    in_peer ip neigh replace "$network_old" lladdr "$client_mac" dev v0 nud permanent || return
    in_peer ip neigh replace "$network_new" lladdr "$client_mac" dev v0 nud permanent || return
    # What comes from an address without a way back is dropped in silence.
    in_peer sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter && echo 1 >/proc/sys/net/ipv4/conf/v0/rp_filter' || return
    "${CC:-cc}" -D_GNU_SOURCE -O1 -o "$dir/relay" "$root/tests/attack/network/relay.c" || return
    rm -f "$dir/relay.port"
    "$dir/relay" "/proc/$network_peer_pid/ns/net" "$network_peer" "$2" >"$dir/relay.port" 2>"$dir/relay.log" &
    network_relay_pid=$!
    until_true 10 test -s "$dir/relay.port" || return
    network_port=$(cat "$dir/relay.port")
}

network_cut() {
    in_peer ip route replace blackhole "$network_old/32" && in_peer ip route replace blackhole "$network_new/32"
}

# The client speaks from the other address; connections of the one before stay dead.
network_return() {
    local next=$network_old
    [ "$network_source" = "$network_new" ] || next=$network_new
    in_peer ip route del blackhole "$next/32" && in_client ip route replace "$network_peer/32" dev v0 src "$next" &&
        network_source=$next
}

network_down() {
    local pid
    for pid in ${network_relay_pid:-} ${network_client_pid:-} ${network_peer_pid:-}; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    network_relay_pid='' network_client_pid='' network_peer_pid=''
}
