#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Init container puller: what the image INPUT_IMAGE has in its folder /data comes to DATA_VOLUME_PATH/data, where
# upstream puts it, so that a DatasetConfig.dataset_path means the same file. REGISTRY_AUTH_FOLDER holds one docker
# config for each pull secret; each is tried, and then none.
# The image is somebody's: of its layers only /data is unpacked, links must stay inside, and nothing of it is executed.
set -u -f
umask 022
tries_most=${PULL_TRIES:-5}
pause_seconds=${RETRY_PAUSE_SECONDS:-5}

say() { printf 'puller: %s\n' "$1"; }
fail() {
    say "$1" >&2
    exit 1
}

work=$(mktemp -d) || fail 'no folder for temporary files can be made'
trap 'rm -rf "$work"' EXIT
layout=$work/layout
merged=$work/merged

# One try with each docker config. skopeo's last line is kept as the reason.
copy_image() {
    set +f
    set -- "${REGISTRY_AUTH_FOLDER:-/nonexistent}"/*.json
    set -f
    [ -e "$1" ] || set --
    for auth in "$@" ''; do
        rm -rf "$layout"
        words=$(skopeo copy ${auth:+"--authfile=$auth"} --dest-decompress "docker://$INPUT_IMAGE" "dir:$layout" 2>&1) && return 0
        words=$(printf '%s\n' "$words" | tail -n 1)
        [ -z "$auth" ] || first_words=${first_words:-$words}
    done
    words=${first_words:-$words} # with a secret the registry says more than without
    return 1
}

pull() {
    try=1
    first_words=
    until copy_image; do
        [ "$try" -lt "$tries_most" ] || fail "image $INPUT_IMAGE cannot be pulled, after $try tries: $words"
        say "try $try failed: $words"
        sleep $((pause_seconds * try))
        try=$((try + 1))
        first_words=
    done
}

# What a layer calls its folder /data: "data", "./data" or "/data"; nothing when it has none. Reads the list of names.
data_name() {
    sed -n -e 's,^\(\./data\)/.*,\1,p' -e 's,^\(/data\)/.*,\1,p' -e 's,^\(data\)/.*,\1,p' "$1" | sed -n 1p
}

# Everything that was unpacked must be a plain file, a folder, or a link that stays where it is.
check_tree() {
    bad=$(find "$1" ! -type f ! -type d ! -type l -print | sed -n 1p)
    [ -z "$bad" ] || fail "the image's ${bad#"$1"/} is neither a file nor a folder"
    bad=$(find "$1" -name '*
*' -print | sed -n 1p)
    [ -z "$bad" ] || fail "a name in the image has a line break in it: ${bad#"$1"/}"
    find "$1" -type l -exec sh -c '
        for link; do
            target=$(readlink "$link")
            case /$target/ in
            //* | */../*) printf "%s\n" "$link" ;;
            esac
        done' sh {} + >"$work/links"
    bad=$(sed -n 1p "$work/links")
    [ -z "$bad" ] || fail "the image's ${bad#"$1"/} is a link that leads out of the data"
}

# A layer takes a file of an older one away by a file .wh.NAME, and a folder's whole content by .wh..wh..opq.
apply_whiteouts() {
    find "$1" -name '.wh.*' -type f >"$work/whiteouts"
    while IFS= read -r mark; do
        place=${mark#"$1"}
        folder=$merged${place%/*}
        name=${place##*/.wh.}
        case ${place##*/} in
        .wh..wh..opq) [ ! -d "$folder" ] || find "$folder" -mindepth 1 -maxdepth 1 -exec rm -rf {} + ;;
        .wh. | .wh... | .wh.. | .wh..wh.*) ;;
        *) rm -rf "$folder/${name:?}" ;;
        esac
        rm -f "$mark"
    done <"$work/whiteouts"
}

add_layer() {
    tar -tf "$1" >"$work/names" 2>"$work/tar.log" ||
        fail "a layer of the image cannot be read: $(tail -n 1 "$work/tar.log")"
    member=$(data_name "$work/names")
    [ -n "$member" ] || return 0
    ! grep -q -e '/\.\./' -e '^\.\./' -e '/\.\.$' "$work/names" || fail 'a path in the image leads upwards'
    rm -rf "$work/layer"
    mkdir "$work/layer"
    tar -xf "$1" -C "$work/layer" --no-same-owner --no-same-permissions "$member" 2>"$work/tar.log" ||
        fail "a layer of the image cannot be unpacked: $(tail -n 1 "$work/tar.log")"
    [ -d "$work/layer/data" ] && [ ! -h "$work/layer/data" ] || fail "the image's /data is not a folder"
    chmod -R u+rwX "$work/layer/data"
    check_tree "$work/layer"
    apply_whiteouts "$work/layer/data"
    cp -RP "$work/layer/data/." "$merged/" || fail 'the data cannot be written; is the disk full?'
}

[ -n "${INPUT_IMAGE:-}" ] || fail 'INPUT_IMAGE is empty'
[ -d "${DATA_VOLUME_PATH:-}" ] || fail 'DATA_VOLUME_PATH is not a folder'
say "pulling $INPUT_IMAGE"
pull
mkdir "$merged"
skopeo inspect --format '{{range .Layers}}{{println .}}{{end}}' "dir:$layout" >"$work/layers" ||
    fail 'the list of the layers cannot be read'
while IFS= read -r digest; do
    file=${digest#*:}
    [ -n "$file" ] || continue
    case $file in
    *[!0-9a-f]*) fail "a layer has an odd name: $file" ;;
    esac
    [ -f "$layout/$file" ] || fail "layer $file is missing"
    add_layer "$layout/$file"
    rm -f "$layout/$file"
done <"$work/layers"
[ -n "$(find "$merged" -type f | sed -n 1p)" ] || fail "image $INPUT_IMAGE has no file in its folder /data"
rm -rf "$DATA_VOLUME_PATH/data"
mkdir "$DATA_VOLUME_PATH/data" && cp -RP "$merged/." "$DATA_VOLUME_PATH/data/" || fail 'the data cannot be written; is the disk full?'
say "the data of $INPUT_IMAGE is in $DATA_VOLUME_PATH/data"
