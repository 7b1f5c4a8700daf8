# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Last, because it takes the CRD away: what the plugin says on a cluster without Kaito.

kubectl delete -k "$root/manifests/crd" --wait >/dev/null
check "the CRD is not installed: said, with how to install it" fails_with 'kubectl apply' tune_somewhere
