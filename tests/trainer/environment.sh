#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Python environment of one trainer image, made once into the cache and named after its pins.
#   environment.sh IMAGE            makes it when it is missing, and prints its folder
#   environment.sh --where IMAGE    prints the folder only
# Exit codes: 0 there, 1 failed (a fault of these files), 75 the packages or a Python cannot be had here.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/trainer/lib.sh
. "$here/lib.sh"

# The installer. It hardlinks, so that images with the same torch (4 GB) share it.
readonly UV=uv==0.13.9
# pip's own waiting is bounded; this bounds all of it. About 4 GB for the first image on a slow line.
readonly INSTALL_LIMIT_S=3600

where=no
if [[ ${1:-} == --where ]]; then where=yes && shift; fi
image=${1:?usage: environment.sh [--where] IMAGE}
pins=$here/pins/$image.txt
[[ -f $pins ]] || fail "$image: no pins in tests/trainer/pins; the images are: $(trainer_images | tr '\n' ' ')"

# The pins with the substitutions of this image, one requirement a line.
requirements() {
  local text in_image instead
  text=$(grep -v '^#' "$pins")
  while IFS=$'\t' read -r _ in_image instead _; do
    grep -qxF "$in_image" <<<"$text" || fail "substitutions.tsv: $image has no line '$in_image'"
    text=$(awk -v from="$in_image" -v to="$instead" '{print $0 == from ? to : $0}' <<<"$text")
  done < <(awk -F'\t' -v image="$image" '$1 == image' "$here/substitutions.tsv")
  printf '%s\n' "$text"
}

# The images have Python 3.12. Another one from 3.11 on serves, and is said.
find_python() {
  local candidate
  for candidate in "${KAITO_TRAINER_PYTHON:-}" python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12.*/bin/python3.12 python3; do
    if [[ -n $candidate ]] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "no Python from 3.11 on (the images have 3.12; KAITO_TRAINER_PYTHON names one)" >&2
  exit "$UNAVAILABLE"
}

list=$(requirements)
python=$(find_python)
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
key=$(printf '%s\n%s\n' "$version" "$list" | sha256sum | cut -c1-16)
root=$(trainer_cache)
environment=$root/trainer-$image-$key
if [[ $where == yes ]]; then
  printf '%s\n' "$environment"
  exit
fi
if [[ -e $environment/complete ]]; then
  printf '%s\n' "$environment"
  exit
fi
[[ $version == 3.12 ]] || say "trainer $image: Python $version in place of the image's 3.12"

mkdir -p "$root"
exec 9>"$root/trainer.lock"
flock 9 # two clones fill the cache one after the other
if [[ ! -e $environment/complete ]]; then
  log=$root/trainer-$image.log
  say "trainer $image: installing $(wc -l <<<"$list") packages into $environment (log: $log)"
  rm -rf "$environment"
  if ! {
    "$python" -m venv "$environment" &&
      { [[ -x $root/uv/bin/uv ]] || { "$python" -m venv "$root/uv" && "$root/uv/bin/pip" install -q "$UV"; }; } &&
      printf '%s\n' "$list" >"$environment/requirements.txt" &&
      UV_CACHE_DIR=$root/uv-cache UV_PYTHON_DOWNLOADS=never timeout "$INSTALL_LIMIT_S" nice -n 5 "$root/uv/bin/uv" pip install \
        --no-deps --link-mode=hardlink --python "$environment/bin/python" -r "$environment/requirements.txt"
  } >"$log" 2>&1; then
    tail -n 3 "$log" >&2
    exit "$UNAVAILABLE"
  fi
  touch "$environment/complete"
fi
printf '%s\n' "$environment"
