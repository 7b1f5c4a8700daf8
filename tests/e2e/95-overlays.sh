# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Last of all: the overlays as a user applies them. Their pods wait for ever, since this cluster has no nodes.

kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration --all >/dev/null
cp -r "$root/manifests" "$work/manifests"

apply_overlay() {
    local certs=$work/manifests/overlays/$1/certs
    "$build/bin/make-certs" --dir "$certs" --dns kaito-webhook.kaito-workspace.svc >/dev/null || return
    kubectl apply -k "$work/manifests/overlays/$1" || return
    kubectl get -n kaito-workspace deployment/kaito-webhook service/kaito-webhook pdb/kaito-webhook \
        networkpolicy/kaito-webhook configmap/qlora-params-template || return
    [ -n "$(kubectl get validatingwebhookconfiguration kaito-workspace-validation -o 'jsonpath={.webhooks[0].clientConfig.caBundle}')" ]
}
check "kubectl apply -k manifests/overlays/self-signed" apply_overlay self-signed
check "kubectl apply -k manifests/overlays/byo" apply_overlay byo

pods_are_admitted() {
    [ "$(kubectl get pods -n kaito-workspace --no-headers 2>/dev/null | wc -l)" -ge 1 ]
}
check "its pods pass the restricted pod security of their namespace" until_true 30 pods_are_admitted
