# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What people do to the objects of a tuning by hand, and what must not come of it.

jobs_were_made() {
    [ "$(audit_lines "$1" | jq -rs --arg name "$2" 'map(select(.of == $name and .resource == "jobs" and .verb == "create")) | length')" = "$3" ]
}

# `kubectl replace` takes finalizer and annotations away, and the specification is another one.
replaced() {
    local mark
    mark=$(audit_mark)
    tuning h-replace-slow >"$work/h-replace.yaml"
    kubectl apply -f "$work/h-replace.yaml" >/dev/null || return
    until_true 60 condition_is h-replace-slow JobStarted True || return
    sed 's|team/out:1|team/out:2|' "$work/h-replace.yaml" | kubectl replace -f - >/dev/null || return
    until_true 30 jobs_were_made "$mark" h-replace-slow 2 || { echo "the Job is still the old one" && return 1; }
    workspace_becomes h-replace-slow Succeeded 90 || return
    [ "$(kubectl get workspace h-replace-slow -o 'jsonpath={.metadata.annotations.workspace\.kaito\.io/revision}')" = 2 ] || return
    [ "$(kubectl get nodeclaims -l kaito.sh/workspace=h-replace-slow -o name | wc -l)" = 1 ] || return
    kubectl delete workspace h-replace-slow --wait=false >/dev/null && gone h-replace-slow
}
check "a specification that was changed by kubectl replace is run, on the same machine" replaced

unlabelled() {
    tuning h-label-slow | kubectl apply -f - >/dev/null || return
    until_true 60 condition_is h-label-slow JobStarted True || return
    kubectl label job h-label-slow kaito.sh/workspace- >/dev/null || return
    until_true 90 job_has_ended h-label-slow || return
    kubectl label job h-label-slow kaito.sh/workspace=h-label-slow >/dev/null || return
    workspace_becomes h-label-slow Succeeded 30 || return
    ! kubectl get events.v1 --field-selector regarding.name=h-label-slow -o json | jq -e '.items[] | select(.reason == "JobDeleted")'
    local result=$?
    kubectl delete workspace h-label-slow --wait=false >/dev/null && gone h-label-slow && return $result
}
job_has_ended() { kubectl get job "$1" -o json | jq -e '.status.conditions[]? | select(.type == "Complete" and .status == "True")' >/dev/null; }
check "a Job without its label is not a Job that was deleted" unlabelled

# Nothing new is asked for, though the generation is another: an empty config is the default.
tidied_up() {
    local mark
    tuning h-tidy | kubectl apply -f - >/dev/null || return
    workspace_becomes h-tidy Succeeded 90 || return
    kubectl delete job h-tidy --wait >/dev/null || return
    mark=$(audit_mark)
    kubectl patch workspace h-tidy --type=merge -p '{"tuning":{"config":""}}' >/dev/null || return
    until_true 20 observed_again h-tidy || { echo "the status is not of the new generation" && return 1; }
    jobs_were_made "$mark" h-tidy 0 || { echo "a second tuning was run" && return 1; }
    [ "$(workspace_state h-tidy)" = Succeeded ] || return
    kubectl delete workspace h-tidy --wait=false >/dev/null && gone h-tidy
}
observed_again() {
    kubectl get workspace "$1" -o json | jq -e '.metadata.generation == 2 and ([.status.conditions[] | select(.type == "WorkspaceSucceeded")][0].observedGeneration == 2)' >/dev/null
}
check "a finished tuning whose Job was tidied up is not run again for a change that asks for nothing" tidied_up
