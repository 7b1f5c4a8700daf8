#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# watch.sh FILE: appends every watch event of every Workspace to FILE, one JSON object a line: {"time": seconds, "type",
# "object"}, until SIGTERM. Goes on where it was when the API server goes away; a restarted one may not have the events since
# then (type GAP), so all Workspaces are listed anew (ADDED). For a cluster of tests/cluster, whose env is sourced; FILE.ready is there when the watch begins.
set -uo pipefail
file=$1
# Not kubectl: an API server that has just come back asks it to wait 5 s, and it does.
get() { # always in a subshell
    exec curl -sSfN --cacert "$KAITO_CLUSTER_CA" --cert "$KAITO_CLUSTER_DIR/pki/admin.crt" --key "$KAITO_CLUSTER_DIR/pki/admin.key" \
        "$KAITO_CLUSTER_SERVER/apis/kaito.sh/v1beta1/workspaces?$1" "${@:2}" 2>>"$file.log"
}
reader='' stopping=''
trap 'stopping=1; [ -z "$reader" ] || kill "$reader" 2>/dev/null' TERM INT
pause() { read -rt 0.2 <> <(:) || true; }

# The resource version to go on from: of the last line; or that of a list, which is written down as well. What is told twice
# because the last lines are not yet in the file, the reader of the recording passes over.
next_version() {
    local version
    version=$(last_version)
    if [ -z "$version" ]; then
        get '' --max-time 10 | jq -c '(.items[] | {time: now, type: "ADDED", object: .}), {time: now, type: "LISTED", object: {metadata}}' >>"$file"
        version=$(last_version)
    fi
    printf '%s' "$version"
}
last_version() { tail -n 1 "$file" | jq -r '.object.metadata.resourceVersion // empty' 2>/dev/null; }

: >"$file"
rm -f "$file.pipe"
mkfifo "$file.pipe" || exit 1
exec 3<>"$file.pipe"
# Line by line: one that is cut where the API server ended is not JSON, and is passed over, as its last words are. Only
# code 410 says that the events since then cannot be had any more.
jq -R --unbuffered -c 'fromjson? | if .type != "ERROR" then . elif .object.code == 410 then .type = "GAP" else empty end |
    {time: now, type, object}' \
    <"$file.pipe" >>"$file" 3>&- &
writer=$!
while [ -z "$stopping" ]; do
    version=$(next_version 3>&-)
    if [ -n "$version" ]; then
        get "watch=true&allowWatchBookmarks=true&resourceVersion=$version" >&3 3>&- &
        reader=$!
        : >"$file.ready"
        [ -z "$stopping" ] || kill "$reader" 2>/dev/null
        while kill -0 "$reader" 2>/dev/null; do wait "$reader" 2>/dev/null; done
        echo >&3
    fi
    [ -n "$stopping" ] || pause
done
exec 3>&-
wait "$writer"
rm -f "$file.pipe" "$file.ready"
