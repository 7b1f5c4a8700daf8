# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# What a Workspace names and is not there: said while it waits, and gone on with when it comes.

# names_cause NAME REASON WORDS: it is not over, and the cause stands in the first lines of `kubectl kaito status`.
shows_cause() {
    local shown
    shown=$(kubectl kaito status "$1")
    grep -qE "^  Cause: $2 .*$3" <<<"$shown"
}
names_cause() {
    until_true 120 shows_cause "$@" || { kubectl kaito status "$1" && return 1; }
    case $(workspace_state "$1") in Succeeded | Failed) echo "it is over: $(workspace_state "$1")" && return 1 ;; esac
}

{
    tuning missing-push-secret url:ok image:team/late secret=late
    tuning missing-volume volume:late volume:late-results
    tuning missing-trainer-image url:ok volume:old-gpu instance=Standard_NC6s_v3
} | kubectl apply -f - >/dev/null
check "a push secret that is missing is named" names_cause missing-push-secret FailedMount 'secret "late" not found'
check "a claim that is missing is named" names_cause missing-volume Unschedulable 'persistentvolumeclaim "late" not found'
check "a trainer's image that cannot be pulled is named" names_cause missing-trainer-image ImagePullBackOff \
    'kaito-base:0.2.8.*the registry does not have this image or tag'

make_late_things() {
    kubectl get secret good -o json | jq '.metadata = {name: "late"}' | kubectl apply -f - &&
        volume late | kubectl apply -f - && cp "$work/train.jsonl" /run/volumes/default/late/ &&
        ctr --namespace k8s.io images tag "${trainer_images[0]}" "$registry/public/kaito-base:0.2.8"
}
make_late_things >"$work/late.log" 2>&1 || { not_ok "what was missing is made" && sed 's/^/    /' "$work/late.log"; }
# The kubelet and the scheduler look again after a while that grows with each try.
for name in missing-push-secret missing-volume missing-trainer-image; do
    check "$name: Succeeded when it is there" workspace_becomes "$name" Succeeded 300
done

missing_config_map() {
    ! tuning missing-config url:ok volume:none config=late | kubectl apply -f - 2>"$work/refusal" && grep -q 'late.*C001\|ConfigMap.*late' "$work/refusal"
}
check "a config map that is missing is refused at admission" missing_config_map
