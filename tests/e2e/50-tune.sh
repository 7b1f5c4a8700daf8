# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# `kubectl kaito tune` on the real API server: every shape, what is left behind after a refusal, and dry runs.

kubectl create namespace tune >/dev/null
tune() { kubectl kaito tune -n tune "$@"; }
url=https://example.com/data/train.parquet
base_flags=(--model phi-3-mini-128k-instruct --instance-type Standard_NC24ads_A100_v4)
output_flags=(--output-image registry.example.com/team/out:1 --output-push-secret push)

input_of() {
    case $1 in
    url) echo "--input-url $url" ;;
    image) echo "--input-image registry.example.com/team/data:1" ;;
    volume) echo "--input-pvc data" ;;
    esac
}
output_of() {
    case $1 in
    image) echo "${output_flags[*]}" ;;
    volume) echo "--output-pvc results" ;;
    esac
}

tune_shape() { # METHOD INPUT OUTPUT
    local name=$1-$2-$3
    # shellcheck disable=SC2046
    tune "$name" "${base_flags[@]}" --method "$1" $(input_of "$2") $(output_of "$3") || return
    [ "$(kubectl get workspace -n tune "$name" -o 'jsonpath={.tuning.method}')" = "$1" ]
}
for method in lora qlora; do
    for input in url image volume; do
        for output in image volume; do
            check "tune: $method, $input in, $output out" tune_shape $method $input $output
        done
    done
done

same_again() {
    local text
    text=$(tune qlora-url-image "${base_flags[@]}" --method qlora --input-url "$url" "${output_flags[@]}" 2>&1) || return
    grep -q 'workspace.kaito.sh/qlora-url-image unchanged' <<<"$text" || { echo "$text" && return 1; }
}
check "tune: the same again is unchanged" same_again

old_flags() {
    kubectl kaito deploy -n tune --tuning --workspace-name old-flags --model phi-4-mini-instruct \
        --instance-type Standard_NC24ads_A100_v4 --tuning-method qlora --input-urls "$url" \
        --output-image registry.example.com/team/out:2 --output-image-secret push || return
    [ "$(kubectl get workspace -n tune old-flags -o 'jsonpath={.tuning.output.imagePushSecret}')" = push ]
}
check "tune: the Go plugin's command line works" old_flags

with_settings() {
    tune with-set "${base_flags[@]}" --method qlora --input-url "$url" "${output_flags[@]}" --set LoraConfig.r=16 || return
    kubectl get configmap -n tune with-set-config -o 'jsonpath={.data.training_config\.yaml}' | grep -q 'r: 16'
}
check "tune: --set makes a ConfigMap and the Workspace uses it" with_settings

nothing_left() {
    local text
    text=$(tune refused-set --model phi-3-mini-128k-instruct --instance-type Standard_NC24ads_A100_v4 --count 1 \
        --method qlora --input-url "$url" "${output_flags[@]}" --set LoraConfig.r=16 --label-selector 'bad key=x' 2>&1) && {
        echo "it was admitted: $text"
        return 1
    }
    ! kubectl get configmap -n tune refused-set-config >/dev/null 2>&1 && ! kubectl get workspace -n tune refused-set >/dev/null 2>&1
}
check "tune: a refused Workspace leaves no ConfigMap" nothing_left

# Only the server knows this one: the name is taken by a Workspace with another, immutable, machine type.
kept_config_map() {
    local before after text
    # The version too: the running Workspace may not see another content for even a moment.
    before=$(kubectl get configmap -n tune with-set-config -o 'jsonpath={.metadata.resourceVersion} {.data}')
    text=$(tune with-set --model phi-3-mini-128k-instruct --instance-type Standard_NC40ads_H100_v5 --method qlora \
        --input-url "$url" "${output_flags[@]}" --set LoraConfig.r=32 2>&1) && return 1
    grep -qi 'immutable' <<<"$text" || { echo "$text" && return 1; }
    after=$(kubectl get configmap -n tune with-set-config -o 'jsonpath={.metadata.resourceVersion} {.data}')
    [ "$before" = "$after" ] || { echo "the ConfigMap of the running Workspace was changed" && return 1; }
}
check "tune: a refused change leaves the ConfigMap as it was" kept_config_map

dry_run_server() {
    tune only-dry "${base_flags[@]}" --input-url "$url" "${output_flags[@]}" --dry-run=server -o yaml | grep -q 'accessMode: public' || return
    ! kubectl get workspace -n tune only-dry >/dev/null 2>&1
}
check "tune --dry-run=server shows the defaulted object and makes nothing" dry_run_server

auto_choice() {
    tune auto-choice --model phi-3-mini-128k-instruct --instance-type auto --input-url "$url" "${output_flags[@]}" || return
    [ "$(kubectl get workspace -n tune auto-choice -o 'jsonpath={.resource.instanceType}')" = Standard_NV36ads_A10_v5 ]
}
check "tune --instance-type=auto: the cheapest with room" auto_choice
