# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The rows of cases.tsv, side by side.

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
    done <"$here/cases.tsv"
}

# shellcheck disable=SC2086 # $4 is several words
write_case() { tuning "$1" "$2" "$3" $4; }

# The first lines that a person sees: NAME (namespace ...): STATE, stage STAGE, and the cause.
status_says() { # NAME NAMESPACE STATE REASON
    local shown
    shown=$(kubectl kaito status "$1" -n "$2") || return
    case $3 in
    Succeeded) [[ $shown == "$1 (namespace $2): Succeeded, stage done"$'\n'* ]] ;;
    *) [[ $shown == "$1 (namespace $2): Failed, stage failed"$'\n  Cause: '"$4 "* ]] ;;
    esac || { echo "kubectl kaito status says:" && head -n 4 <<<"$shown" && return 1; }
}

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

# What the trainer said it saved is what is there in the end.
saved() { # NAME: the checksum of the adapter, by the trainer's log
    kubectl logs "job/$1" -c "$1" | sed -n 's/^saved adapter_model.safetensors sha256://p'
}

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
pushed=("url-to-image team/url" "image-to-image team/image" "volume-to-image team/volume" "push-token token/out" "push-flaky flaky/out")
# shellcheck disable=SC2086 # two words
for pair in "${pushed[@]}"; do pull_back $pair; done
for pair in "${pushed[@]}"; do check "the adapter of ${pair% *} is pulled back as it was saved" comes_back "${pair% *}"; done

on_volume() { # NAME VOLUME
    local folder=/run/volumes/default/$2
    [ "$(sha256sum <"$folder/adapter_model.safetensors")" = "$(saved "$1")  -" ] && test -s "$folder/adapter_config.json" ||
        { saved "$1" && sha256sum "$folder"/* && return 1; }
}
for pair in "url-to-volume url" "image-to-volume image" "volume-to-volume volume"; do
    # shellcheck disable=SC2086 # two words
    check "the adapter of ${pair% *} is on its volume as it was saved" on_volume $pair
done

state_of_registry() { curl -fsS --cacert "$authority" "https://$registry/state"; }
nothing_was_pushed() { ! state_of_registry | grep -E 'none|denied|read-only|absent|full'; }
check "no failed tuning has pushed anything" nothing_was_pushed
