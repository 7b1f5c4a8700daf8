#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rules of the house that a compiler does not know. A tool that is missing is said loudly, not passed over.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
bad=0
complain() { echo "$*" && bad=1; }
sources() { git ls-files -co --exclude-standard -- "$@"; }

# Calls that have no limit, no thread safety or hide errors. A module that wraps one is named beside it.
while read -r pattern except; do
    hits=$(sources 'shared/*.c' 'plugin/*.c' 'webhook/*.c' 'certs/*.c' | grep -vE "^(${except:-none})$" | xargs grep -nE "\b($pattern)\(" || true)
    [ -z "$hits" ] || complain "banned call $pattern:"$'\n'"$hits"
done <<'BANNED'
sprintf|strcpy|strcat|strncpy|gets|atoi|atof|strtok|alloca|system|popen|localtime|gmtime|rand
malloc|calloc|realloc|free shared/base/base.c|shared/catalog/generator/[a-z_]+.c|shared/text/json.c
cJSON_Parse|cJSON_GetObjectItem|cJSON_Delete|cJSON_Print
MHD_create_post_processor
exit plugin/main.c|webhook/main.c|certs/make_certs.c|shared/catalog/generator/[a-z_]+.c|shared/kube/[a-z_]+.c
BANNED

while read -r file; do
    [ -f "$file" ] || continue
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || complain "$file has $lines lines; 600 is the limit"
done < <(sources 'shared/*.[ch]' 'plugin/*.[ch]' 'webhook/*.[ch]' 'certs/*.[ch]')

while read -r file; do
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || complain "$file has no SPDX line"
done < <(sources '*.c' '*.h' '*.sh' '*.yaml' Makefile)

# Versions differ in how they lay out macros and tables; the sources are as that of Debian 12 leaves them.
format_version=$(clang-format --version 2>/dev/null | sed -nE 's/.* version ([0-9]+)\..*/\1/p')
if [ "$format_version" = 14 ]; then
    unformatted=$(sources 'shared/*.[ch]' 'plugin/*.[ch]' 'webhook/*.[ch]' 'certs/*.[ch]' 'tests/*.[ch]' | xargs clang-format --dry-run 2>&1 | sed -nE 's/^([^: ]+):[0-9]+:[0-9]+: .*clang-format.*/\1/p' | sort -u)
    [ -z "$unformatted" ] || complain "not formatted (clang-format -i):"$'\n'"$unformatted"
elif [ -n "$format_version" ]; then
    echo "SKIPPED: the format is that of clang-format 14, and this is $format_version"
else
    echo "SKIPPED: clang-format is not installed (make deps-lint)"
fi
if command -v shellcheck >/dev/null; then
    sources '*.sh' .ci/run | xargs shellcheck -x -S warning || bad=1
else
    echo "SKIPPED: shellcheck is not installed (make deps-lint)"
fi
[ "$bad" -eq 0 ] && echo "lint: clean"
exit "$bad"
