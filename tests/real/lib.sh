# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# The world around the tests: a registry, a server of data, images, volumes, and a provisioner whose machines are all the
# one node. Sourced, after tests/e2e/lib.sh.

node_address=$KAITO_NODE_ADDRESS
registry=registry.example.com:5000 # elsewhere 5001, without trust 5002, without TLS 5003
data_server=http://data.example.com:8000
trainer_images=("$registry/public/kaito-base:0.4.2")
readonly AUTHORITIES=/etc/ssl/certs/ca-certificates.crt
gpus=12 # so many tunings run at once; the others wait for their turn as they would in a busy cluster

registry_config() { # USER PASSWORD HOST...: a docker config with the credential for each host
    local credential host config='{"auths": {}}'
    credential=$(printf '%s:%s' "$1" "$2" | base64 -w0)
    shift 2
    for host in "$@"; do
        config=$(jq -c --arg host "$host" --arg auth "$credential" '.auths[$host] = {auth: $auth}' <<<"$config")
    done
    printf '%s' "$config"
}

start_servers() {
    local folder=$work/registry certificates=$work/certificates
    mkdir -p "$folder" "$certificates"
    "$build/bin/make-certs" --dir "$certificates/trusted" --dns "${registry%:*}" --dns elsewhere.example.com >/dev/null &&
        "$build/bin/make-certs" --dir "$certificates/untrusted" --dns "${registry%:*}" >/dev/null || return
    cp "$certificates/trusted/tls.crt" "$folder/tls.crt" && cp "$certificates/trusted/tls.key" "$folder/tls.key" &&
        cp "$certificates/untrusted/tls.crt" "$folder/untrusted.crt" && cp "$certificates/untrusted/tls.key" "$folder/untrusted.key" || return
    # In here nothing else is trusted, by containerd neither.
    mount --bind "$certificates/trusted/ca.crt" "$AUTHORITIES" || return
    /usr/bin/python3 -B "$here/servers/name_server.py" "$node_address" >"$work/name-server.errors" 2>&1 &
    /usr/bin/python3 -B "$here/servers/registry.py" "$node_address" "$folder" >"$folder/errors" 2>&1 &
    /usr/bin/python3 -B "$here/servers/data_server.py" "$node_address" 8000 "$work/data-server.log" >"$work/data-server.errors" 2>&1 &
    until_true 20 curl -fsS "https://$registry/state" || { echo "the registry does not answer" && return 1; }
    until_true 20 curl -fsS "$data_server/ok/x.jsonl" || { echo "the server of data does not answer" && return 1; }
}

oras() { "$("$root/tests/cluster/build.sh" --with-pods --where | tail -n 1)/oras" "$@"; }

make_images() {
    local names=() name
    for name in "${trainer_images[@]}"; do names+=(--trainer "$name"); done
    # shellcheck disable=SC2086 # CC may be several words
    ${CC:-cc} -O2 -static "$here/pause.c" -o "$work/pause" &&
        /usr/bin/python3 -B "$here/images.py" --oras "$("$root/tests/cluster/build.sh" --with-pods --where | tail -n 1)/oras" \
            --pause "$work/pause" --ca "$AUTHORITIES" "${names[@]}" --output "$work/images.tar" &&
        ctr --namespace k8s.io images import "$work/images.tar" && rm "$work/images.tar"
}

# The weights, which anybody may pull, and an image of data, whose puller needs the password.
push_inputs() {
    mkdir -p "$work/weights" && echo '{}' >"$work/weights/config.json"
    registry_config user password "$registry" >"$work/push.json"
    (cd "$work/weights" && oras push --registry-config "$work/push.json" \
        "$registry/public/kaito-phi-3-mini-128k-instruct:0.2.0" config.json:application/octet-stream) &&
        /usr/bin/python3 -B "$here/servers/rows.py" >"$work/train.jsonl" &&
        /usr/bin/python3 -B "$here/images.py" --data "$work/train.jsonl" --output "$work/data.tar" &&
        skopeo --insecure-policy copy --dest-authfile "$work/push.json" \
            "docker-archive:$work/data.tar" "docker://$registry/team/data:1" &&
        skopeo --insecure-policy copy --dest-authfile "$work/push.json" \
            "docker-archive:$work/data.tar" "docker://$registry/redirect/data:1"
}

# volume NAME [NAMESPACE]: a volume on the node, its claim in the namespace, and the folder of both.
volume() {
    local folder=/run/volumes/${2:-default}/$1
    mkdir -p "$folder"
    cat <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: ${2:-default}-$1}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteMany]
  storageClassName: ""
  claimRef: {namespace: ${2:-default}, name: $1}
  hostPath: {path: $folder}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: $1, namespace: ${2:-default}}
spec: {accessModes: [ReadWriteMany], storageClassName: "", volumeName: ${2:-default}-$1, resources: {requests: {storage: 1Gi}}}
---
YAML
}

# The volume "data" has rows; "small" is full after a mebibyte.
make_volumes() {
    { volume data && volume small; } | kubectl apply -f - >/dev/null &&
        mount -t tmpfs -o size=1m tmpfs /run/volumes/default/small && cp "$work/train.jsonl" /run/volumes/default/data/
}

make_secrets() { # NAMESPACE
    local hosts=("$registry" "${registry%:*}:5002" "${registry%:*}:5003")
    kubectl -n "$1" create secret generic good --type=kubernetes.io/dockerconfigjson \
        --from-literal=.dockerconfigjson="$(registry_config user password "${hosts[@]}")" &&
        kubectl -n "$1" create secret generic wrong --type=kubernetes.io/dockerconfigjson \
            --from-literal=.dockerconfigjson="$(registry_config user guess "${hosts[@]}")"
}

host_of() { # good, untrusted, plain
    case $1 in
    untrusted) echo "${registry%:*}:5002" ;;
    plain) echo "${registry%:*}:5003" ;;
    *) echo "$registry" ;;
    esac
}

# tuning NAME INPUT OUTPUT [KEY=VALUE]...: a Workspace as YAML, and what it needs; the words are those of cases.txt.
tuning() {
    local -A more=([method]=qlora [instance]=Standard_NC24ads_A100_v4 [secret]=good [pullsecret]=good [host]=good
        [inputhost]=good [namespace]=default [config]='')
    local name=$1 input=$2 output=$3 pair
    for pair in "${@:4}"; do more[${pair%%=*}]=${pair#*=}; done
    case $output in
    image:*) output="image: $(host_of "${more[host]}")/${output#*:}:1, imagePushSecret: ${more[secret]}" ;;
    volume:*)
        [ "${output#*:}" = small ] || [ "${output#*:}" = absent ] || volume "${output#*:}" "${more[namespace]}"
        output="volumeSource: {persistentVolumeClaim: {claimName: ${output#*:}}}"
        ;;
    esac
    case $input in
    url:*.jsonl) input="urls: [\"$data_server/${input#*:}\"]" ;;
    url:*) input="urls: [\"$data_server/${input#*:}/train.jsonl\"]" ;;
    image:*) input="image: \"$(host_of "${more[inputhost]}")/${input#*:}:1\", imagePullSecrets: [${more[pullsecret]}]" ;;
    volume:*) input="volumeSource: {persistentVolumeClaim: {claimName: ${input#*:}}}" ;;
    esac
    cat <<YAML
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: {name: $name, namespace: ${more[namespace]}}
resource:
  instanceType: ${more[instance]}
  labelSelector: {matchLabels: {pool: real}}
tuning:
  preset: {name: phi-3-mini-128k-instruct}
  method: ${more[method]}
  ${more[config]:+config: ${more[config]}}
  input: {$input}
  output: {$output}
---
YAML
}

# The first lines that a person sees: NAME (namespace ...): STATE, stage STAGE, and the cause.
status_says() { # NAME NAMESPACE STATE REASON
    local shown
    shown=$(kubectl kaito status "$1" -n "$2") || return
    case $3 in
    Succeeded) [[ $shown == "$1 (namespace $2): Succeeded, stage done"$'\n'* ]] ;;
    *) [[ $shown == "$1 (namespace $2): Failed, stage failed"$'\n  Cause: '"$4 "* ]] ;;
    esac || { echo "kubectl kaito status says:" && head -n 4 <<<"$shown" && return 1; }
}

saved() { # NAME: the checksum of the adapter, by the trainer's log
    kubectl logs "job/$1" -c "$1" | sed -n 's/^saved adapter_model.safetensors sha256://p'
}

on_volume() { # NAME VOLUME
    local folder=/run/volumes/default/$2
    [ "$(sha256sum <"$folder/adapter_model.safetensors")" = "$(saved "$1")  -" ] && test -s "$folder/adapter_config.json" ||
        { saved "$1" && sha256sum "$folder"/* && return 1; }
}

give_gpus() {
    kubectl label node "$KAITO_CLUSTER_NODE" pool=real >/dev/null &&
        kubectl patch node "$KAITO_CLUSTER_NODE" --subresource=status --type=merge \
            -p "{\"status\": {\"capacity\": {\"nvidia.com/gpu\": \"$gpus\"}, \"allocatable\": {\"nvidia.com/gpu\": \"$gpus\"}}}" >/dev/null
}

# Every NodeClaim is ready at once, and its machine is the one node. (A node of the user's own would not do: a tuning takes
# all GPUs of such a node, and they could not run side by side.)
play_provisioner() {
    local claim status
    status=$(jq -nc --arg node "$KAITO_CLUSTER_NODE" '{status: {nodeName: $node, providerID: "real:///\($node)",
        conditions: ["Launched", "Registered", "Initialized", "Ready"] | map({type: ., status: "True", reason: ., message: "",
            lastTransitionTime: (now | todate)})}}')
    declare -A seen=()
    "$KUBECTL" get nodeclaims --watch -o name 2>"$work/provisioner.log" | while read -r claim; do
        [ -z "${seen[$claim]:-}" ] || continue
        seen[$claim]=1
        "$KUBECTL" patch "$claim" --subresource=status --type=merge -p "$status"
    done >>"$work/provisioner.log" 2>&1 &
}
