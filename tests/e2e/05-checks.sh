# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The judges that other parts rely on, on recordings made up for them: what they accept, and what they must refuse.

# event STATE CLAIM RESOURCE JOB SUCCEEDED [REVISION [SECOND]]: a watch event of Workspace `w`; each condition is T, F or -.
recorded_version=0
event() {
    recorded_version=$((recorded_version + 1))
    jq -nc --arg state "$1" --argjson values "$(printf '%s\n' "${@:2:4}" | jq -R . | jq -sc .)" --arg revision "${6:-1}" \
        --arg second "${7:-00}" --arg version "$recorded_version" '
        ["NodeClaimReady", "ResourceReady", "JobStarted", "WorkspaceSucceeded"] as $types |
        {time: 1, type: "MODIFIED", object: {
            metadata: {namespace: "d", name: "w", uid: "u", resourceVersion: $version, annotations: {"workspace.kaito.io/revision": $revision}},
            status: {state: $state, conditions: [range(4) | select($values[.] != "-") | {
                type: $types[.], status: (if $values[.] == "T" then "True" else "False" end), reason: "r", message: "m",
                lastTransitionTime: "2026-01-01T00:00:\(if $values[.] == "T" then "30" else $second end)Z"}]}}}'
}
recording=$work/made-up.watch
# accepted TITLE [OPTION...]; refused TITLE RULE: of the events on standard input
accepted() {
    cat >"$recording"
    check "the judge of watches accepts $1" "$root/tests/e2e/check_watch.sh" "${@:2}" "$recording"
}
refuses_by() {
    local said
    if said=$("$root/tests/e2e/check_watch.sh" "$recording"); then echo "accepted: $said" && return 1; fi
    grep -F "$1" <<<"$said" || { echo "$said" && return 1; }
}
refused() {
    cat >"$recording"
    check "the judge of watches refuses $1" refuses_by "$2"
}

good_run() {
    event Pending F F F F
    event Pending T F F F
    event Pending T T F F
    event Running T T T F
    event Succeeded T T T T
}
good_run | accepted "a good run"
{ good_run && event Succeeded T T T T 2 && event Running T T T F 2 40; } | accepted "a new revision that is written before its status"
{ good_run && event Succeeded T T T T 2 && event Pending T T F F 2 40 && event Running T T T F 2 40 && event Pending T T T F 2 40; } |
    refused "a state that goes back in the second revision" "the state does not go back"
{ event Pending F F F F && event Running T T T F && event Failed T T T F; } | accepted "a failed run"
{ good_run && event Pending T T F F 2 40; } | accepted "a new revision that begins anew"
{ event Running T T T - && event Pending T T F - 1 40; } | accepted "a step back that is allowed" --may-go-back w
{ event Pending F F F F && event Succeeded T T T T; } | accepted "a jump that is allowed" --may-jump w
: | refused "an empty recording" "0 events"
{ event Running T T T F && event Pending T T T F; } | refused "a state that goes back" "the state does not go back"
{ event Running T T T F && event Pending T T T F && event Succeeded T T T T; } | refused "Pending before Succeeded" "the state does not go back"
{ event Pending T T F F && event Succeeded T T T T; } | refused "Succeeded out of Pending" "Running comes before Succeeded"
{ event Failed T T T F && event Succeeded T T T T; } | refused "another end" "the end state does not change"
event Pending F T F F | refused "ResourceReady before the claim" "ResourceReady only when"
{ event Running T T T F && event Running T T F F; } | refused "JobStarted that goes back" "JobStarted does not go back"
{ event Running T T T F && event Running T T - F; } | refused "a condition that goes away" "JobStarted does not go away"
event Running T T T T | refused "success in a condition only" "come together"
{ event Pending F F F F 1 00 && event Pending F F F F 1 05; } | refused "a transition time without a transition" "changes only with its status"
event Odd F F F F | refused "a state that is none" "the state is one of"

# A line of the audit log: VERB RESOURCE NAME VERSION [USER]
audited() {
    jq -nc --arg verb "$1" --arg resource "$2" --arg name "$3" --arg version "$4" --arg user "${5:-us}" '
        {stage: "ResponseComplete", verb: $verb, requestURI: "/apis", stageTimestamp: "2026-01-01T00:00:00Z", user: {username: $user},
         objectRef: {resource: $resource, namespace: "d", name: $name}, responseStatus: {code: 200},
         responseObject: {metadata: {name: $name, resourceVersion: $version, labels: {"kaito.sh/workspace": "w"}}}}'
}
noops_are() { # EXPECTED, one word a write
    local found
    found=$(KAITO_CLUSTER_AUDIT_LOG=$work/made-up.audit audit_lines 0 us | jq -r .noop | paste -sd' ')
    [ "$found" = "$1" ] || { echo "found: $found" && return 1; }
}
{ audited create jobs w 5 && audited patch jobs w 6 && audited patch jobs w 6 && audited patch jobs w 8 other && audited patch jobs w 8 && audited get jobs w 9; } >"$work/made-up.audit"
check "the judge of writes tells those that changed nothing" noops_are "false false true true"
