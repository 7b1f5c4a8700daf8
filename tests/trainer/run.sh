#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The real trainer, on the CPU, with what we give it; see README.md. Prints "ok", "not ok" and "skip" lines.
#   run.sh [WORD]...   only templates and examples whose name has a WORD, and nothing else
#
# KAITO_SOURCE_DIR        a git repository of upstream Kaito with its tags; unset: all is skipped
# KAITO_ORACLE_DIR        a folder with trainer.jsonl; unset: its part is left out
# KAITO_TRAINER_IMAGES    "0.2.8 0.4.2": these images only
# KAITO_TRAINER_SAMPLE    how many configs of the oracle on each image (40), or "all"
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/trainer/lib.sh
. "$here/lib.sh"
cd "$here/../.." || exit 1
build=${BUILD:-build}
plugin=$build/bin/kubectl-kaito
work=$build/trainer
python= # of any environment: it has YAML

# Upstream's program, as its image has it. Nothing of it is kept in this repository.
readonly PROGRAM=presets/workspace/tuning/text-generation
readonly FILES=(cli.py dataset.py fine_tuning.py parser.py metrics/metrics_server.py)

lay_out_image() { # IMAGE ENVIRONMENT
  local image=$1 folder=$work/$1 tag file
  tag=$(upstream_tag "$image")
  rm -rf "$folder"
  mkdir -p "$folder/tfs" "$folder/logs"
  for file in "${FILES[@]}"; do
    git -C "$KAITO_SOURCE_DIR" show "$tag:$PROGRAM/$file" >"$folder/tfs/${file##*/}" || return 1
  done
  ln -s /workspace/weights "$folder/tfs/weights"
  ln -s "$2" "$folder/environment"
  nice -n 5 "$2/bin/python" "$here/make_model.py" "$folder/weights" >"$folder/logs/make_model" 2>&1 &&
    nice -n 5 "$2/bin/python" "$here/make_data.py" "$folder/data"
}

prepare() { # IMAGE: a folder in $work, or a line that says why not
  local image=$1 environment status=0 errors=$work/$1.errors
  environment=$("$here/environment.sh" "$image" 2> >(tee "$errors" >&2)) || status=$?
  if ((status == UNAVAILABLE)); then
    echo "skip trainer: $image: its packages cannot be had here: $(tail -n 1 "$errors")"
  elif ((status != 0)); then
    echo "not ok trainer: $image: no environment: $(tail -n 1 "$errors")"
  elif ! lay_out_image "$image" "$environment" 2>"$errors"; then
    rm -rf "${work:?}/$image"
    echo "not ok trainer: $image: $(tail -n 1 "$errors") (KAITO_SOURCE_DIR=$KAITO_SOURCE_DIR must have the tag $(upstream_tag "$image"))"
  else
    python=$environment/bin/python
    prepared+=("$image")
  fi
}

compare() { # IMAGE
  local oracle=()
  if [[ -f ${KAITO_ORACLE_DIR:-}/trainer.jsonl ]]; then oracle=("$KAITO_ORACLE_DIR/trainer.jsonl"); fi
  KAITO_KEEP_LOGS=$(realpath "$work/$1/logs") nice -n 5 "$python" "$here/compare.py" "$plugin" "$work" "$1" "${oracle[@]}" 2>"$work/$1/logs/many" ||
    echo "not ok trainer: $1: the comparison ended: $(tail -n 1 "$work/$1/logs/many")"
}

if [[ -z ${KAITO_SOURCE_DIR:-} ]]; then
  echo "skip trainer: KAITO_SOURCE_DIR is not set (a git repository of upstream Kaito with its tags)"
  exit
fi
if ! git -C "$KAITO_SOURCE_DIR" rev-parse --git-dir >/dev/null 2>&1; then
  echo "not ok trainer: KAITO_SOURCE_DIR=$KAITO_SOURCE_DIR is not a git repository"
  exit 1
fi
if ! can_make_namespaces; then
  echo "skip trainer: this machine gives no mount, network and process namespaces"
  exit
fi

mkdir -p "$work"
prepared=()
for image in ${KAITO_TRAINER_IMAGES:-$(trainer_images)}; do prepare "$image"; done
if ((${#prepared[@]} == 0)); then exit; fi
nice -n 5 "$python" "$here/jobs.py" "$plugin" "$work" "$@" || echo "not ok trainer: the run of the Jobs ended early"
if (($# == 0)); then
  for image in "${prepared[@]}"; do compare "$image"; done
  [[ -f ${KAITO_ORACLE_DIR:-}/trainer.jsonl ]] || echo "skip trainer: the oracle's configs: KAITO_ORACLE_DIR is not set, or has no trainer.jsonl"
fi
