#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks every #include "..." against the layers of shared/ARCHITECTURE.md.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

# For each folder: the folders it may include, besides itself.
allowed() {
    case $1 in
    shared/base) echo "" ;;
    shared/text) echo "base" ;;
    shared/kube) echo "base text" ;;
    shared/catalog) echo "base text" ;;
    shared/catalog/generator) echo "catalog" ;; # runs on the build host: only the list of fields
    shared/dataset) echo "base text catalog" ;;
    shared/workspace) echo "base text catalog" ;;
    shared/sizing) echo "base text catalog workspace" ;;
    shared/admission) echo "base text catalog dataset workspace sizing" ;;
    shared/workload/generator) echo "base text kube workload" ;; # runs on the build host
    shared/workload) echo "base text kube catalog dataset workspace sizing admission" ;;
    certs) echo "base text kube" ;;
    plugin | webhook) echo "base text catalog dataset workspace sizing admission workload kube certs" ;;
    *) return 1 ;;
    esac
}

bad=0 count=0
while IFS=: read -r file line include; do
    folder=${file%/*}
    case $folder in webhook/*) folder=webhook ;; esac
    target=$(sed -E 's/.*"(.*)".*/\1/' <<<"$include")
    case $target in */*) ;; *) continue ;; esac
    target_folder=${target%%/*}
    count=$((count + 1))
    [ "$target_folder" = "${folder##*/}" ] && continue
    if ! may=$(allowed "$folder"); then
        echo "$file:$line: no layer is stated for folder $folder"
        bad=1
    elif ! grep -qw "$target_folder" <<<"$may"; then
        echo "$file:$line: $folder may not include $target"
        bad=1
    fi
done < <(grep -nE '^#include "' -r shared plugin webhook certs --include='*.[ch]')
echo "layering: $count includes checked"
exit "$bad"
