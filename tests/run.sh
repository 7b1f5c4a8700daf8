#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs layers of tests and adds them up. Usage: tests/run.sh LAYER...   (see tests/README.md for what each layer answers)
#
# A layer prints lines "ok ...", "not ok ..." or "skip ..."; everything else is detail. The last line is
# "N passed, N failed, N skipped". Exit status 1 when anything failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}"
export BUILD
results="$BUILD/test-results"
mkdir -p "$results"
passed=0 failed=0 skipped=0
valgrind="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect"

# A cmocka program speaks TAP; a program that dies before its plan is done is a failure of its own.
run_program() {
    local program=$1 name output status planned seen
    shift
    name=$(basename "$program")
    output=$(CMOCKA_MESSAGE_OUTPUT=TAP "$@" "$program" 2>&1)
    status=$?
    printf '%s\n' "$output" | grep -v '^1\.\.' | sed -E "s/^(ok|not ok) [0-9]+ - /\\1 $name: /"
    planned=$(printf '%s\n' "$output" | sed -nE 's/^1\.\.([0-9]+).*/\1/p' | awk '{n += $1} END {print n + 0}')
    seen=$(printf '%s\n' "$output" | grep -cE '^(ok|not ok) ')
    if [ "$seen" -lt "$planned" ] || [ "$planned" -eq 0 ]; then
        echo "not ok $name: ended with status $status after $seen of $planned tests"
    elif [ "$status" -ne 0 ] && ! printf '%s\n' "$output" | grep -q '^not ok '; then
        echo "not ok $name: every test passed, but it ended with status $status"
    fi
}

layer_unit() {
    local program
    for program in "$BUILD"/tests/test_*; do
        [ -x "$program" ] && run_program "$program"
    done
}

layer_valgrind() {
    local program
    export RECONCILE_SHARE=20
    for program in "$BUILD"/tests/test_*; do
        [ -x "$program" ] || continue
        # shellcheck disable=SC2086
        run_program "$program" $valgrind
    done
}

layer_golden() {
    tests/golden/run.sh
}

layer_golden_valgrind() {
    GOLDEN_WRAPPER="$valgrind" tests/golden/run.sh
}

# Review runs under valgrind as one process; of the oracle's cases every tenth is enough to pass every path.
layer_oracle_valgrind() {
    if [ -z "${KAITO_ORACLE_DIR:-}" ]; then
        echo "skip oracle: KAITO_ORACLE_DIR is not set"
        return
    fi
    local share=$results/oracle-share wrapper=$results/valgrind-webhook
    mkdir -p "$share"
    awk 'NR % 10 == 1' "$KAITO_ORACLE_DIR/admission.jsonl" >"$share/admission.jsonl"
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$valgrind" "$PWD/$BUILD/bin/kaito-webhook" >"$wrapper"
    chmod +x "$wrapper"
    if python3 "$KAITO_ORACLE_DIR/agree.py" "$wrapper" --cases "$share/admission.jsonl"; then
        echo "ok oracle: a tenth of the cases under valgrind"
    else
        echo "not ok oracle: under valgrind"
    fi
}

layer_e2e() {
    tests/e2e/run.sh
}

layer_tuning() {
    tests/e2e/tuning/run.sh
}

layer_real() {
    tests/real/run.sh
}

layer_attack() {
    tests/attack/run.sh
}

layer_trainer() {
    tests/trainer/run.sh
}

# Every case that the oracle has, in one line each for what is compared.
layer_oracle() {
    if [ -z "${KAITO_ORACLE_DIR:-}" ]; then
        echo "skip oracle: KAITO_ORACLE_DIR is not set (a folder with agree.py and its cases)"
        return
    fi
    local webhook="$BUILD/bin/kaito-webhook"
    if python3 "$KAITO_ORACLE_DIR/agree.py" "$webhook"; then
        echo "ok oracle: every admission verdict agrees or is explained"
    else
        echo "not ok oracle: admission verdicts differ"
    fi
    if python3 "$KAITO_ORACLE_DIR/agree_renders.py" "$webhook" --kind estimate; then
        echo "ok oracle: node counts agree"
    else
        echo "not ok oracle: node counts differ"
    fi
    if python3 "$KAITO_ORACLE_DIR/agree_renders.py" "$webhook" --kind render-tuning; then
        echo "ok oracle: the objects of tunings agree or are explained"
    else
        echo "not ok oracle: objects of tunings differ"
    fi
    if [ ! -e "$KAITO_ORACLE_DIR/trainer.jsonl" ]; then
        echo "skip oracle: it has no trainer.jsonl"
    elif "$BUILD/oracle/trainer_errors" "$KAITO_ORACLE_DIR/trainer.jsonl"; then
        echo "ok oracle: every last line of the real trainer has a reason"
    else
        echo "not ok oracle: last lines of the real trainer without a reason"
    fi
    if [ -e "$KAITO_ORACLE_DIR/agree_trainer.py" ]; then
        if python3 "$KAITO_ORACLE_DIR/agree_trainer.py" "$BUILD/bin/kubectl-kaito" --all-images \
            --exceptions tests/trainer-exceptions.tsv; then
            echo "ok oracle: check refuses what the real trainer dies on, and nothing that trains"
        else
            echo "not ok oracle: check and the real trainer differ"
        fi
    fi
    python3 tests/oracle/guide_trains.py "$BUILD/bin/kubectl-kaito" "$KAITO_ORACLE_DIR/trainer.jsonl" ||
        echo "not ok oracle: a config that we fill in does not train"
}

for layer in "$@"; do
    log="$results/$layer.log"
    "layer_$layer" >"$log" 2>&1
    layer_passed=$(grep -cE '^ok ' "$log")
    layer_failed=$(grep -cE '^not ok ' "$log")
    layer_skipped=$(grep -cE '^skip ' "$log")
    if [ $((layer_passed + layer_failed + layer_skipped)) -eq 0 ]; then
        echo "not ok $layer: the layer ran no test" >>"$log"
        layer_failed=1
    fi
    printf '%-10s %5d passed, %d failed, %d skipped   (%s)\n' "$layer" "$layer_passed" "$layer_failed" "$layer_skipped" "$log"
    grep -E '^skip ' "$log" | sed 's/^skip /           SKIPPED: /'
    if [ "$layer_failed" -gt 0 ]; then
        grep -vE '^(ok |# ok)' "$log" | tail -n 60 | sed 's/^/    /'
    fi
    passed=$((passed + layer_passed)) failed=$((failed + layer_failed)) skipped=$((skipped + layer_skipped))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
