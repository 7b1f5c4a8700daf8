# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Every example, applied with plain kubectl, meets the fate that examples/expect.tsv states.

# A folder's files use their own namespace, so that no example stands on another's ConfigMap.
apply_example() {
    local path=$1 fate=$2 rules=$3 namespace output status
    namespace=$(tr -c 'a-z0-9\n' - <<<"${path%.yaml}")
    kubectl create namespace "$namespace" >/dev/null || return
    output=$(kubectl apply -n "$namespace" -f "$root/examples/$path" 2>&1)
    status=$?
    printf '%s\n' "$output"
    if [ "$fate" = admitted ]; then
        [ "$status" -eq 0 ]
        return
    fi
    [ "$status" -ne 0 ] && refused_by "$rules" "$output"
}

# The API server looks for unknown fields (F001) and checks the schema before it asks any webhook; then it is its own words
# that are seen. Otherwise every rule is named.
refused_by() {
    local rule
    if grep -q 'strict decoding error: unknown field' <<<"$2"; then
        [[ $1 == *F001* ]]
        return
    fi
    if ! grep -q '\[[A-Z][0-9]*\]' <<<"$2"; then
        grep -q 'is invalid: [a-z.A-Z]*: Required value' <<<"$2"
        return
    fi
    for rule in ${1//,/ }; do
        grep -q "\[$rule\]" <<<"$2" || return
    done
}

while IFS=$'\t' read -r path fate rules; do
    case $path in '' | '#'*) continue ;; esac
    check "kubectl apply -f examples/$path: $fate $rules" apply_example "$path" "$fate" "$rules"
done <"$root/examples/expect.tsv"

# The plugin, offline, names the same rules: errors of a refused file, warnings of an admitted one.
check_example() {
    local severity=warning ids
    [ "$2" = refused ] && severity=error
    ids=$("$plugin" check -f "$root/examples/$1" -o json | tr '{' '\n' | sed -nE "s/.*\"rule\": ?\"([A-Z]+[0-9]*)\", ?\"severity\": ?\"$severity\".*/\1/p" | sort -u | paste -sd,)
    [ "${ids:--}" = "$3" ] || { echo "it names ${ids:--}" && return 1; }
}
while IFS=$'\t' read -r path fate rules; do
    case $path in '' | '#'*) continue ;; esac
    check "kubectl kaito check -f examples/$path names $rules" check_example "$path" "$fate" "$rules"
done <"$root/examples/expect.tsv"

every_example_is_listed() {
    local file missing=0
    while read -r file; do
        grep -q "^${file#"$root"/examples/}$(printf '\t')" "$root/examples/expect.tsv" || { echo "not in expect.tsv: $file" && missing=1; }
    done < <(find "$root/examples" -name '*.yaml')
    return "$missing"
}
check "every example is listed with its fate" every_example_is_listed
