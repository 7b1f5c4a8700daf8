# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# What the scripts in this folder share.

# Exit status for what cannot be had here, as of a machine without a network.
UNAVAILABLE=75

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*" && exit 1; }

trainer_cache() { printf '%s/kubectl-kaito\n' "${XDG_CACHE_HOME:-$HOME/.cache}"; }

# The images that have pins, oldest first.
trainer_images() {
  local folder
  folder=$(dirname "${BASH_SOURCE[0]}")/pins
  find "$folder" -name '*.txt' -printf '%f\n' | sed 's/\.txt$//' | sort -V
}

# The release of upstream whose program the image has: it stands in its pins.
upstream_tag() { # IMAGE
  sed -n 's/^# upstream: //p' "$(dirname "${BASH_SOURCE[0]}")/pins/$1.txt"
}

can_make_namespaces() {
  local identity=()
  if ((EUID != 0)); then identity=(--map-root-user); fi
  unshare "${identity[@]}" --mount --net --pid --fork --kill-child --mount-proc true 2>/dev/null
}
