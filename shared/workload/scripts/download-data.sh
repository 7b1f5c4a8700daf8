#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Init container data-downloader: every URL of DATA_URLS, one a line, becomes a file in the folder DATA_VOLUME_PATH.
# The last line of the log names the URL that failed and why: it becomes the container's termination message.
# Plain POSIX: it runs in busybox ash. Nothing of a URL is ever executed, and file names are made of safe letters only.
set -u -f
umask 022
names_seen=/
tries_most=${DOWNLOAD_TRIES:-6}
pause_seconds=${RETRY_PAUSE_SECONDS:-5}

say() { printf 'data-downloader: %s\n' "$1"; }
fail() {
    say "$1" >&2
    exit 1
}

# A URL without what may be secret: user, password and query.
shown() {
    clean=${1%%[?#]*}
    scheme=${clean%%://*}
    rest=${clean#*://}
    host=${rest%%/*}
    tail=${rest#"$host"}
    printf '%s://%s%s' "$scheme" "${host##*@}" "$tail"
}

# The file's name: the last part of the path in safe letters, never hidden, never twice. The trainer knows the kind of a
# file by a word in its name, so a word that stands only in the query is put behind it.
name_file() {
    path=${1%%[?#]*}
    path=${path#*://}
    case $path in
    */*) name=${path##*/} ;;
    *) name= ;;
    esac
    name=$(printf '%s' "$name" | tr -c 'A-Za-z0-9._-' '_' | tail -c 180)
    case $name in
    '') name=data ;;
    .* | -*) name=_$name ;;
    esac
    for word in parquet json csv arrow webdataset; do
        case $(printf '%s' "$name" | tr 'A-Z' 'a-z') in
        *csv* | *json* | *parquet* | *arrow* | *webdataset*) break ;;
        esac
        case $(printf '%s' "$1" | tr 'A-Z' 'a-z') in
        *[?]*"$word"*) name=$name.$word ;;
        esac
    done
    case $names_seen in
    */"$name"/*) name=$2-$name ;;
    esac
    names_seen=$names_seen$name/
}

# Can another try help? By curl's exit status and the HTTP status.
is_final() {
    case $1 in
    1 | 3 | 23 | 47 | 60) return 0 ;; # scheme, form of the URL, disk, redirects, certificate
    22)
        case $2 in
        408 | 416 | 425 | 429 | 5*) return 1 ;;
        *) return 0 ;;
        esac
        ;;
    esac
    return 1
}

reason_of() {
    case $1 in
    0) printf 'the file is empty' ;;
    22) printf 'the server answered HTTP %s' "$2" ;;
    23) printf 'the file cannot be written; is the disk full?' ;;
    *) printf '%s' "${3:-curl ended with status $1}" ;;
    esac
}

# One try. A part that is there already is gone on with, unless the server has shown that it cannot.
try_once() {
    [ -n "$resumes" ] || rm -f "$part"
    # --globoff: [ and { are letters like others. The status comes last, behind curl's own words.
    answer=$(curl -q --fail --silent --show-error --location --max-redirs 10 --globoff \
        --proto '=http,https' --proto-redir '=http,https' --connect-timeout 30 --speed-limit 1024 --speed-time 60 \
        --continue-at - --output "$part" --write-out '\n%{http_code}' --url "$1" 2>&1)
    status=$?
    code=$(printf '%s' "$answer" | tail -n 1)
    words=$(printf '%s\n' "$answer" | sed -n '/^curl: /p' | tail -n 1) # advice may follow, in many lines
    case $status/$code in
    0/*)
        [ -s "$part" ]
        return
        ;;
    33/* | 36/* | 22/416)
        if [ -n "$resumes" ]; then
            resumes=
            try_once "$1"
            return
        fi
        ;;
    esac
    return 1
}

# URL, its number: the file, or the end.
download() {
    case $1 in
    [Hh][Tt][Tt][Pp]://?* | [Hh][Tt][Tt][Pp][Ss]://?*) ;;
    *) fail "URL $2 of $count: only http:// and https:// can be downloaded" ;;
    esac
    name_file "$1" "$2"
    part=$DATA_VOLUME_PATH/.part-$2
    resumes=yes
    rm -f "$part"
    say "URL $2 of $count: $(shown "$1") goes to $name"
    try=1
    until try_once "$1"; do
        reason=$(reason_of "$status" "$code" "$words")
        if [ "$try" -ge "$tries_most" ] || is_final "$status" "$code"; then
            rm -f "$part"
            fail "URL $2 of $count ($(shown "$1")): $reason; gave up after $try of $tries_most tries"
        fi
        say "URL $2 of $count: try $try failed: $reason"
        sleep $((pause_seconds * try))
        try=$((try + 1))
    done
    mv -f "$part" "$DATA_VOLUME_PATH/$name" || fail "URL $2 of $count: $name cannot be written"
}

[ -n "${DATA_URLS:-}" ] || fail 'DATA_URLS is empty: there is nothing to download'
[ -d "${DATA_VOLUME_PATH:-}" ] || fail 'DATA_VOLUME_PATH is not a folder'
IFS='
'
# Split at line breaks alone; set -f keeps * and ? as they are.
# shellcheck disable=SC2086
set -- $DATA_URLS
unset IFS
count=$#
number=0
for url in "$@"; do
    number=$((number + 1))
    download "$url" "$number"
done
say "all $count files are there"
