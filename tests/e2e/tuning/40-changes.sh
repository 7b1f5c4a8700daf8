# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# A changed config map or specification replaces the Job once; deletion at any stage leaves nothing behind.

jobs_made() { audit_lines "$1" | jq -rs --arg name "$2" 'map(select(.of == $name and .resource == "jobs" and .verb == "create")) | length'; }

own_config() { # RANK
    kubectl create configmap my-config --dry-run=client -o yaml --from-literal=training_config.yaml="training_config:
  ModelConfig: {torch_dtype: bfloat16, local_files_only: true, device_map: auto}
  QuantizationConfig: {load_in_4bit: true, bnb_4bit_quant_type: nf4, bnb_4bit_compute_dtype: bfloat16}
  LoraConfig: {r: $1, lora_alpha: 8, lora_dropout: 0.0}
  TrainingArguments: {output_dir: /mnt/results, per_device_train_batch_size: 1, save_strategy: 'no'}
  DataCollator: {mlm: true}
  DatasetConfig: {shuffle_dataset: true, train_test_split: 1}
" | kubectl apply -f - >/dev/null
}

config_change() {
    local mark
    mark=$(audit_mark)
    own_config 8 || return
    tuning_config=my-config tuning r-slow >"$work/r-slow.yaml"
    kubectl apply -f "$work/r-slow.yaml" >/dev/null || return
    until_true 60 condition_is r-slow JobStarted True || return
    own_config 16 || return
    until_true 30 jobs_are "$mark" r-slow 2 || { echo "$(jobs_made "$mark" r-slow) Jobs" && return 1; }
    workspace_becomes r-slow Succeeded 90 || return
    jobs_are "$mark" r-slow 2 || { echo "$(jobs_made "$mark" r-slow) Jobs" && return 1; }
}
jobs_are() { [ "$(jobs_made "$1" "$2")" = "$3" ]; }
check "a changed config map replaces the Job, once" config_change

spec_change() {
    local mark
    mark=$(audit_mark)
    sed 's|team/out:1|team/out:2|' "$work/r-slow.yaml" | kubectl apply -f - >/dev/null || return
    until_true 30 jobs_are "$mark" r-slow 1 || return
    [ "$(kubectl get workspace r-slow -o 'jsonpath={.metadata.annotations.workspace\.kaito\.io/revision}')" = 2 ] || return
    until_true 60 job_revision r-slow 2 || return
    workspace_becomes_again r-slow Succeeded 90 || return
    jobs_are "$mark" r-slow 1 || return
    [ "$(kubectl get controllerrevisions -l workspace.kaito.io/name=r-slow -o name | wc -l)" = 2 ]
}
job_revision() { [ "$(kubectl get job "$1" -o 'jsonpath={.metadata.annotations.workspace\.kaito\.io/revision}')" = "$2" ]; }
workspace_becomes_again() { until_true "$3" has_state "$1" "$2"; }
has_state() { [ "$(workspace_state "$1")" = "$2" ]; }
check "a changed specification replaces the Job, once, and is a revision of its own" spec_change

format_change() { # of the rows: no revision, and another Job all the same
    local mark
    mark=$(audit_mark)
    kubectl annotate workspace r-slow kaito.sh/dataset-format=alpaca >/dev/null || return
    until_true 30 jobs_are "$mark" r-slow 1 || return
    kubectl get job r-slow -o json | jq -e '.spec.template.spec.initContainers[] | select(.name == "dataset")
        | .env[] | select(.name == "DATASET_FORMAT" and .value == "alpaca")' >/dev/null || return
    workspace_becomes_again r-slow Succeeded 90 || return
    jobs_are "$mark" r-slow 1 || return
}
check "a changed kaito.sh/dataset-format replaces the Job, once" format_change

same_again() {
    local mark
    mark=$(audit_mark)
    sed 's|team/out:1|team/out:2|' "$work/r-slow.yaml" | kubectl apply -f - >/dev/null || return
    kubectl label workspace r-slow team=a >/dev/null || return
    until_true 20 seen_label r-slow || return
    [ -z "$(audit_lines "$mark" | jq -c 'select(.of == "r-slow")')" ] || { audit_lines "$mark" && return 1; }
}
seen_label() { [ "$(kubectl get workspace "$1" -o 'jsonpath={.metadata.labels.team}')" = a ]; }
check "the same again, or another label, changes nothing" same_again

back_again() { # to the first specification: the newest revision is the one that is asked for
    kubectl apply -f "$work/r-slow.yaml" >/dev/null || return
    until_true 20 at_revision r-slow 3 || return
    [ "$(kubectl get controllerrevisions -l workspace.kaito.io/name=r-slow -o name | wc -l)" = 2 ] &&
        kubectl get controllerrevisions -l workspace.kaito.io/name=r-slow -o 'jsonpath={.items[*].revision}' | grep -q 3
}
at_revision() { [ "$(kubectl get workspace "$1" -o 'jsonpath={.metadata.annotations.workspace\.kaito\.io/revision}')" = "$2" ]; }
check "going back to an earlier specification is a new revision, kept once" back_again

ten_are_kept() { # with eight more that are older there are ten; the next change makes one, and the oldest goes
    local uid i
    uid=$(kubectl get workspace r-slow -o 'jsonpath={.metadata.uid}')
    for i in $(seq 8); do
        printf '%s\n' "{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: r-slow-old$i, labels: {workspace.kaito.io/name: r-slow}, ownerReferences: [{apiVersion: kaito.sh/v1beta1, kind: Workspace, name: r-slow, uid: $uid, controller: true}]}, revision: 1, data: {}}" ---
    done | kubectl apply -f - >/dev/null || return
    sed 's|team/out:1|team/out:3|' "$work/r-slow.yaml" | kubectl apply -f - >/dev/null || return
    until_true 20 at_revision r-slow 4 || return
    [ "$(kubectl get controllerrevisions -l workspace.kaito.io/name=r-slow -o name | wc -l)" = 10 ] &&
        [ "$(kubectl get controllerrevisions -l workspace.kaito.io/name=r-slow -o name | grep -c old)" = 7 ]
}
check "ten revisions are kept, the oldest goes" ten_are_kept
kubectl delete workspace r-slow --wait=false >/dev/null

# Each stage: the Workspace is deleted as soon as the condition holds.
stage_is() {
    case $2 in
    admitted) kubectl get workspace "$1" -o name ;;
    claimed) [ -n "$(kubectl get nodeclaims -l "kaito.sh/workspace=$1" -o name)" ] ;;
    node) [ -n "$(kubectl get nodes -l "kaito.sh/workspace=$1" -o name)" ] ;;
    job) [ -n "$(kubectl get jobs -l "kaito.sh/workspace=$1" -o name)" ] ;;
    running) condition_is "$1" JobStarted True ;;
    done) has_state "$1" Succeeded ;;
    esac
}
delete_at() { # STAGE
    tuning "d-$1" | kubectl apply -f - >/dev/null || return
    until_true 60 stage_is "d-$1" "$1" || { echo "never came to $1" && return 1; }
    kubectl delete workspace "d-$1" --wait=false >/dev/null || return
    gone "d-$1" 60
}
for stage in admitted claimed node job running "done"; do
    check "deleted when $stage, it leaves nothing behind" delete_at $stage
done
