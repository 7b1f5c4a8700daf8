#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Golden tests: what the programs print. A case is a folder below tests/golden/<set>/ with
#   cmd      what bash runs, from the root of the repository; $tmp is an empty folder of the case, $golden its own
#   stdout, stderr, exit   what must come out (a missing stdout or stderr: nothing; a missing exit: 0)
#   skip     optional: bash that prints why the case cannot run here, or nothing
#
# tests/golden/run.sh [--update] [NAME...]    --update writes what came out; look at the difference before you keep it.
# GOLDEN_WRAPPER="valgrind -q ..." runs every program under it.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
update=
[ "${1:-}" = --update ] && update=1 && shift
work=$(mktemp -d "${TMPDIR:-/tmp}/kaito-golden.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The programs under test come first on the PATH, each through the wrapper if there is one.
mkdir "$work/bin"
for program in "$BUILD"/bin/*; do
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "${GOLDEN_WRAPPER:-}" "$program" >"$work/bin/${program##*/}"
    chmod +x "$work/bin/${program##*/}"
done
ln -s "$BUILD/bin/kubectl-kaito" "$work/bin/kubectl_complete-kaito"

passed=0 failed=0 skipped=0

# Nothing of the user's surroundings reaches a case.
run_case() {
    env -i PATH="$work/bin:$PATH" HOME=/nonexistent KUBECONFIG=/dev/null TERM=dumb LC_ALL=C.UTF-8 TZ=UTC \
        tmp="$work/tmp" golden="$1" ${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} bash "$1/$2"
}

same() {
    [ -e "$1" ] || set -- /dev/null "$2"
    cmp -s "$1" "$2"
}

keep() { # what came out, where it belongs: an empty file is left out
    if [ -s "$1" ] && ! { [ "${2##*/}" = exit ] && [ "$(<"$1")" = 0 ]; }; then cp "$1" "$2"; else rm -f "$2"; fi
}

for cmd in tests/golden/*/*/cmd; do
    case_dir=$root/${cmd%/cmd}
    name=${cmd#tests/golden/}
    name=${name%/cmd}
    if [ $# -gt 0 ] && [[ " $* " != *" $name "* && " $* " != *" ${name#*/} "* ]]; then continue; fi
    rm -rf "$work/tmp" "$work/got"
    mkdir "$work/tmp" "$work/got"
    if [ -e "$case_dir/skip" ]; then
        reason=$(run_case "$case_dir" skip)
        if [ -n "$reason" ]; then
            echo "skip golden $name: $reason"
            skipped=$((skipped + 1))
            continue
        fi
    fi
    run_case "$case_dir" cmd >"$work/got/stdout" 2>"$work/got/stderr" </dev/null
    echo $? >"$work/got/exit"
    if [ -n "$update" ]; then
        for file in stdout stderr exit; do keep "$work/got/$file" "$case_dir/$file"; done
    fi
    [ -e "$case_dir/exit" ] && cp "$case_dir/exit" "$work/want-exit" || echo 0 >"$work/want-exit"
    if same "$case_dir/stdout" "$work/got/stdout" && same "$case_dir/stderr" "$work/got/stderr" &&
        same "$work/want-exit" "$work/got/exit"; then
        echo "ok golden $name"
        passed=$((passed + 1))
    else
        echo "not ok golden $name"
        failed=$((failed + 1))
        for file in stdout stderr; do
            if [ -e "$case_dir/$file" ]; then diff -u "$case_dir/$file" "$work/got/$file"; else diff -u /dev/null "$work/got/$file"; fi
        done | head -n 60 | sed 's/^/    /'
        diff "$work/want-exit" "$work/got/exit" | sed 's/^/    exit status: /'
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
