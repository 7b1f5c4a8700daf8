# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The server reads ConfigMaps: a broken one is found, a new one is seen at once, a missing one is named.

tuning_with_config() { # NAME CONFIG
    cat <<Y
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: {name: $1}
resource:
  instanceType: Standard_NC24ads_A100_v4
  labelSelector: {matchLabels: {apps: $1}}
tuning:
  preset: {name: phi-3-mini-128k-instruct}
  method: qlora
  config: $2
  input: {urls: ["https://example.com/data.parquet"]}
  output: {image: "registry.example.com/team/out:1", imagePushSecret: push}
Y
}

config_map() { # NAME QUANTISATION
    cat <<Y
apiVersion: v1
kind: ConfigMap
metadata: {name: $1}
data:
  training_config.yaml: |
    training_config:
      ModelConfig: {torch_dtype: bfloat16, local_files_only: true, device_map: auto}
      QuantizationConfig: {$2}
      LoraConfig: {r: 8, lora_alpha: 8, lora_dropout: 0.0}
      TrainingArguments: {output_dir: /mnt/results, per_device_train_batch_size: 1}
      DataCollator: {mlm: true}
Y
}

refused_with() { # TEXT COMMAND...
    local wanted=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "it was admitted: $output"
        return 1
    fi
    grep -q "$wanted" <<<"$output" || { echo "$output" && return 1; }
}

apply_text() { kubectl apply -f - <<<"$1"; }

broken=$(config_map broken 'load_in_4bit: false')
check "a broken ConfigMap is a ConfigMap like any other" apply_text "$broken"
check "a Workspace that uses it is refused" refused_with 'load_in_4bit' apply_text "$(tuning_with_config uses-broken broken)"
check "a missing ConfigMap is named" refused_with 'no-such-map' apply_text "$(tuning_with_config uses-missing no-such-map)"

together() { apply_text "$(config_map "together-$1" 'load_in_4bit: true, bnb_4bit_quant_type: nf4')
---
$(tuning_with_config "together-$1" "together-$1")"; }
all_together() {
    local i
    for i in 1 2 3 4 5 6 7 8 9 10; do together "$i" || return; done
}
check "a ConfigMap and its Workspace in one file, ten times: none is refused for a stale view" all_together
kubectl delete workspaces --all >/dev/null
