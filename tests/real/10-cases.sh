# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The rows of cases.txt, side by side.

readonly CASE_SECONDS=300
namespace_of() { # OTHER
    local namespace=default
    case $1 in *namespace=*) namespace=${1##*namespace=} namespace=${namespace%% *} ;; esac
    echo "$namespace"
}

# cases COMMAND: calls it with the seven fields of each row.
cases() {
    local name input output other state reason words
    while IFS='|' read -r name input output other state reason words; do
        case $name in '#'* | '') continue ;; esac
        # The last field may have a | in it.
        "$1" "${name// /}" "${input// /}" "${output// /}" "$other" "${state// /}" "${reason// /}" "${words# }"
    done <"$here/cases.txt"
}

# shellcheck disable=SC2086 # $4 is several words
write_case() { tuning "$1" "$2" "$3" $4; }

comes_to() { # NAME INPUT OUTPUT OTHER STATE REASON WORDS
    local namespace said
    namespace=$(namespace_of "$4")
    workspace_becomes "$1" "$5" "$CASE_SECONDS" "$namespace" || return
    said=$(workspace_condition "$1" WorkspaceSucceeded "$namespace")
    if [ "$5" = Failed ]; then
        [[ $said == "False workspaceFailed $6: "* ]] && grep -qE -- "$7" <<<"$said"
    else
        [[ $said == "True "* ]]
    fi || { echo "it says: $said" && return 1; }
    status_says "$1" "$namespace" "$5" "$6"
}
check_case() { check "$1: $5 $6" comes_to "$@"; }

case_objects=$work/cases.yaml
cases write_case >"$case_objects"
kubectl apply -f "$case_objects" >"$work/cases.log" 2>&1 || { not_ok "the cases are admitted" && sed 's/^/    /' "$work/cases.log"; }
cases check_case

# Our own puller fetches the adapter: the init container of a Job that had an image as its input, with another image.
pull_back() { # NAME REPOSITORY
    kubectl get job image-to-image -o json | jq --arg name "back-$1" --arg image "$registry/$2:1" '
        .spec.template.spec as $pod | ($pod.initContainers[] | select(.name == "puller")) as $puller |
        {apiVersion: "v1", kind: "Pod", metadata: {name: $name}, spec: {restartPolicy: "Never", volumes: $pod.volumes,
            initContainers: [$puller | (.env[] | select(.name == "INPUT_IMAGE")).value = $image],
            containers: [{name: "look", image: $puller.image, command: ["/bin/sh", "-c", "cd /mnt/data/data && sha256sum *"],
                volumeMounts: $puller.volumeMounts}]}}' | kubectl apply -f - >/dev/null
}
pod_has() { [ "$(kubectl get pod "$1" -o 'jsonpath={.status.phase}')" = "$2" ]; }
comes_back() { # NAME
    until_true 120 pod_has "back-$1" Succeeded || { kubectl describe pod "back-$1" && kubectl logs "back-$1" --all-containers && return 1; }
    kubectl logs "back-$1" -c look >"$work/back-$1"
    [ "$(wc -l <"$work/back-$1")" -eq 2 ] && grep -q adapter_config.json "$work/back-$1" &&
        grep -qx "$(saved "$1")  adapter_model.safetensors" "$work/back-$1" || { saved "$1" && cat "$work/back-$1" && return 1; }
}
pushed=("url-to-image team/url" "image-to-image team/image" "volume-to-image team/volume" "push-flaky flaky/out")
# shellcheck disable=SC2086 # two words
for pair in "${pushed[@]}"; do pull_back $pair; done
for pair in "${pushed[@]}"; do check "the adapter of ${pair% *} is pulled back as it was saved" comes_back "${pair% *}"; done

for pair in "url-to-volume url" "image-to-volume image" "volume-to-volume volume"; do
    # shellcheck disable=SC2086 # two words
    check "the adapter of ${pair% *} is on its volume as it was saved" on_volume $pair
done

state_of_registry() { curl -fsS "https://$registry/state"; }
nothing_was_pushed() { ! state_of_registry | grep -E 'none|denied|read-only|absent|full'; }
check "no failed tuning has pushed anything" nothing_was_pushed
