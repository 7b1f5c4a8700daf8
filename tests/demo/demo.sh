#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The product in a few minutes, on this machine alone. --offline: only what needs no cluster. Every command shown is run.
set -uo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
cd "$root" || exit 1
started=$SECONDS
failed=0

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
say() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }

# typed COMMAND...: prints it as a person would type it, long ones on several lines.
typed() {
    local word line='' length=0
    for word in "$@"; do
        case $word in *[!A-Za-z0-9_./:=,@%+-]*) word="'${word//\'/\'\\\'\'}'" ;; esac
        if [ "$length" -gt 70 ] && [[ $word == -* ]]; then line+=$' \\\n   ' length=4; fi
        line+="${line:+ }$word" length=$((length + ${#word} + 1))
    done
    printf '\n%s$ %s%s\n' "$bold" "$line" "$plain"
}

# show EXPECTED COMMAND...: prints the command and runs it. EXPECTED: 0, or "refused".
show() {
    local expected=$1 status
    shift
    typed "$@"
    "$@"
    status=$?
    if [ "$expected" = 0 ] && [ "$status" -ne 0 ] || [ "$expected" = refused ] && [ "$status" -eq 0 ]; then
        printf '(unexpected exit status %s)\n' "$status"
        failed=1
    fi
}

# Before there is a cluster's kubectl, `kubectl kaito` means the plugin itself.
kubectl() {
    if [ -n "${KUBECTL:-}" ]; then "$KUBECTL" "$@"; else shift && "$plugin" "$@"; fi
}

offline_part() {
    title "Offline: nothing is running yet"
    say "The guide's example as it is printed there. Its placeholders would only fail after a GPU node is paid for."
    show refused kubectl kaito check -f examples/fine-tuning/kaito_workspace_tuning_phi_3.yaml
    say "With a real registry and Secret it is fine, and the warnings say what a V100 means."
    show 0 kubectl kaito check -f examples/fine-tuning/phi-3-qlora.yaml
    say "Does it fit, on what, and for how much?"
    show 0 kubectl kaito plan phi-3-mini-128k-instruct --method qlora --instance-type Standard_NC6s_v3
    say "A model that cannot fit on a 16 GiB card."
    show refused kubectl kaito check -f examples/refused/cannot-fit.yaml
    say "The same tuning from flags instead of YAML."
    show 0 kubectl kaito tune my-phi --model phi-3-mini-128k-instruct --instance-type auto \
        --input-url "https://huggingface.co/datasets/philschmid/dolly-15k-oai-style/resolve/main/data/train-00000-of-00001-54e3756291ca09c6.parquet?download=true" \
        --output-image registry.example.com/adapters/my-phi:0.0.1 --output-push-secret registry-push --dry-run=client -o yaml
    say "What the server would make of the example: four objects, and the machine that the second one asks for."
    show 0 kubectl kaito render -f examples/fine-tuning/phi-3-qlora.yaml -o name 2>/dev/null
    show 0 kubectl kaito render -f examples/fine-tuning/phi-3-qlora.yaml -o 'jsonpath={.items[1].spec}{"\n"}' 2>/dev/null
}

# Prints what the build of the control plane says, until it ends.
wait_for_build() {
    title "The control plane: etcd, Kubernetes, Karpenter and kwok, built once from source"
    tail -n +1 -f --pid="$build_pid" "$work/build.log"
    wait "$build_pid"
    local status=$?
    build_pid=
    return $status
}

prepare_cluster() {
    title "A real Kubernetes API server on this machine, with Karpenter for nodes; only machines and pods are simulated"
    say "It starts in about ten seconds."
    cluster_up --with-nodes "$work/cluster" || return
    install_manifests && webhook_kubeconfig && webhook_start --reconcile=true && register_webhooks || return
    say "ready: $("$KUBECTL" version -o json | sed -nE 's/.*"gitVersion": "(.*)".*/\1/p' | tail -n 1), with our CRD, rights and webhooks from manifests/, and kaito-webhook with the rights of its service account"
}

judged_part() {
    title "Judged when it is applied"
    say "With plain kubectl. As sent:"
    show 0 sed -n '/^apiVersion/,$p' examples/fine-tuning/minimal.yaml
    say "As it would be stored, with what the mutating webhook fills in:"
    show 0 kubectl apply --dry-run=server -f examples/fine-tuning/minimal.yaml \
        -o 'jsonpath={.resource}{"\n"}{.tuning.method}{"\n"}{.tuning.preset}{"\n"}'
    say "The guide's example with its placeholders, refused by the server in the words of \`check\`:"
    show refused kubectl apply -f examples/fine-tuning/kaito_workspace_tuning_phi_3.yaml
}

example=workspace-tuning-phi-3
run_part() {
    title "Run: the guide's example, to its end"
    show 0 kubectl create secret docker-registry registry-push --docker-server=registry.example.com \
        --docker-username=me --docker-password=secret
    typed kubectl apply -f examples/fine-tuning/phi-3-qlora.yaml
    tests/demo/timeline.sh "$example" "$KUBECTL" apply -f examples/fine-tuning/phi-3-qlora.yaml || failed=1
    say "As the guides show it. INFERENCEREADY stays empty: a tuning serves nothing."
    show 0 kubectl get workspace "$example"
    say "And with all that was made for it:"
    show 0 kubectl kaito status "$example"
}

flags_part() {
    title "Run: from flags, one that goes wrong and one that ends well"
    say "The name tells the simulated node that this one's data cannot be had."
    show 0 kubectl kaito tune phi-download-fails --model phi-3-mini-128k-instruct --instance-type auto \
        --input-url "https://example.com/data/gone.parquet" --output-image registry.example.com/adapters/gone:0.0.1 --output-push-secret registry-push
    show 0 kubectl kaito tune my-phi --model phi-3-mini-128k-instruct --instance-type auto \
        --input-url "https://example.com/data/train.parquet" \
        --output-image registry.example.com/adapters/my-phi:0.0.1 --output-push-secret registry-push --wait --timeout 2m
    show 0 kubectl kaito logs my-phi
    say "And the other one?"
    show 0 kubectl kaito wait phi-download-fails --for=failed --timeout 2m
    show 0 kubectl kaito status phi-download-fails
    title "All of them, and one deleted with its machine"
    show 0 kubectl kaito status
    show 0 kubectl kaito delete my-phi --wait --timeout 2m
    show 0 kubectl get nodeclaims -L kaito.sh/workspace
}

case ${1:-} in
--offline)
    offline_part
    exit "$failed"
    ;;
esac

work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-demo.XXXXXX")
build_pid=
clean_up() {
    [ -n "$build_pid" ] && kill -TERM "$build_pid" 2>/dev/null
    webhook_stop
    cluster_down
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

tests/cluster/build.sh --with-nodes >"$work/build.log" 2>&1 &
build_pid=$!
offline_part
built_at=$SECONDS
if ! wait_for_build; then
    title "The part with a cluster cannot run here"
    tail -n 3 "$work/build.log"
    exit 1
fi
build_seconds=$((SECONDS - built_at))
if ! prepare_cluster; then
    echo "error: the cluster part could not be prepared:"
    tail -n 20 "$work/cluster.log" "${webhook_log:-/dev/null}"
    exit 1
fi
judged_part
run_part
flags_part
state=$(workspace_state "$example")
if [ "$state" != Succeeded ]; then
    title "Workspace $example is ${state:-without a state}, not Succeeded; the server's last words:"
    tail -n 20 "$webhook_log"
    exit 1
fi
title "Workspace $example has Succeeded. All this took $((SECONDS - started - build_seconds)) s, besides $build_seconds s of waiting for the one-time build"
say "Try it: make cluster-up CLUSTER_FLAGS=--with-nodes, or your own cluster. kubectl kaito --help says the rest."
exit "$failed"
