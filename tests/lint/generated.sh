#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tables between "generated" marks in README.md come from the programs, and so do the rules of manifests/base/rbac.yaml.
# Without --update: fails when they are stale.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${BUILD:=build}"
plugin=$BUILD/bin/kubectl-kaito

# Rows whose verdict can differ from upstream's (errors that carry a reason, and what is relaxed), each with its cases.
differences() {
    local row id file
    echo "| id | severity | origin | what must be true | why | cases |"
    echo "|---|---|---|---|---|---|"
    "$plugin" check --list-rules -o markdown | grep -E '^\| [A-Z][0-9]+ \| (error|warning \| relaxed) \|' |
        grep -vE '\|  \|$' | while IFS= read -r row; do
        id=$(cut -d' ' -f2 <<<"$row")
        file=$(grep -lE "rule: $id\\b" tests/rules/*.yaml tests/unit/test_engine.c | head -n 1 || true)
        case $id in F*) file=tests/unit/test_engine.c ;; esac
        echo "$row ${file#tests/} |"
    done
}

# How Workspaces are run, each row with a test that must be there.
running() {
    local ours upstream file words
    echo "| what we do | upstream | test |"
    echo "|---|---|---|"
    while IFS=$'\t' read -r ours upstream file words; do
        case $ours in '' | '#'*) continue ;; esac
        if [ -z "$words" ] || ! grep -qF -- "$words" "tests/$file"; then
            echo "tests/differences.tsv: no test \"$words\" in tests/$file" >&2
            return 1
        fi
        echo "| $ours | $upstream | $file |"
    done <tests/differences.tsv
}

# Which image trains on what, with the columns that decide it.
images() {
    "$BUILD/generator/generate" --markdown shared/catalog/{models,skus,images}.yaml |
        awk -F ' *[|] *' '/^[|] image /{rows = 1} rows {print "| " $2 " | " $4 " | " $3 " | " $5 " | " $6 " | " $8 " | " $12 " |"}' |
        sed 's/^| ---.*/|---|---|---|---|---|---|---|/; s/|  |/| |/g'
}

table() {
    case $1 in
    images) images ;;
    running) running ;;
    defaults) "$plugin" check --list-defaults -o markdown ;;
    differences) differences ;;
    rules) "$BUILD/generator/rbac" ;;
    esac
}

# A file with what stands between its marks made anew; marks are comments of its language.
refresh() { # FILE BEGIN END
    local line
    while IFS= read -r line; do
        if [[ $line =~ ^"$2 generated: "([a-z]+) ]]; then
            printf '%s\n' "$line"
            table "${BASH_REMATCH[1]}"
            while IFS= read -r line && [ "$line" != "$2 end$3" ]; do :; done
        fi
        printf '%s\n' "$line"
    done <"$1"
}

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
while IFS=$'\t' read -r file begin end; do
    refresh "$file" "$begin" "$end" >"$fresh"
    if [ "${1:-}" = --update ]; then
        cat "$fresh" >"$file"
    elif ! diff -u "$file" "$fresh"; then
        echo "$file is stale: make update-generated" >&2
        exit 1
    else
        echo "generated parts of $file: fresh"
    fi
done <<'FILES'
README.md	<!--	 -->
manifests/base/rbac.yaml	#	
FILES
