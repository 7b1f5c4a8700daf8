# SPDX-License-Identifier: Apache-2.0
#
# kubectl-kaito and kaito-webhook. `make help` lists the targets.
#
#   DEV=1        warnings are errors
#   CC=clang     another compiler (use another BUILD folder)
#   BUILD=dir    where objects and programs go (default: build)
#   V=1          whole command lines
#   FLAVOUR=asan address and undefined-behaviour sanitizers; FLAVOUR=tsan thread sanitizer

SHELL := /bin/bash
Q := $(if $(V),,@)
, := ,
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
# Objects of tests stay: without this make removes them as intermediate and compiles them again next time.
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

CC := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
FLAVOUR ?=
BUILD ?= build$(if $(FLAVOUR),/$(FLAVOUR))
PREFIX ?= /usr/local
DESTDIR ?=
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
UPSTREAM_VERSION := v0.12.0

cc_option = $(shell $(CC) -Werror $(1) -c -x c /dev/null -o /dev/null 2>/dev/null && echo $(1))

WARNINGS := -Wall -Wextra -Wpedantic -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes \
  -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla \
  -Wdouble-promotion -Wnull-dereference -Wswitch-enum -Wimplicit-fallthrough \
  -Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion
WARNINGS += $(foreach flag,-Warith-conversion -Wcast-align=strict -Wduplicated-cond -Wduplicated-branches -Wlogical-op \
  -Wjump-misses-init -Wtrampolines -Wbidi-chars=any -Wno-gnu-statement-expression,$(call cc_option,$(flag)))
WARNINGS += $(if $(DEV),-Werror)

ARCH := $(shell uname -m)
HARDENING := -fstack-protector-strong -fPIE -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing \
  -fexceptions $(foreach flag,-fstack-clash-protection -ftrivial-auto-var-init=zero \
  $(if $(filter x86_64,$(ARCH)),-fcf-protection=full) $(if $(filter aarch64,$(ARCH)),-mbranch-protection=standard),\
  $(call cc_option,$(flag)))
HARDENING += $(if $(FLAVOUR),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
LINK_HARDENING := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed
# All our objects keep a shadow stack, and so do the start-up objects of the C library, which on Debian 12 do not say so.
# For the other half of CET there is no such flag here: their entry points do lack the landing pads.
LINK_HARDENING += $(if $(filter x86_64,$(ARCH)),-Wl$(,)-z$(,)shstk)

SANITIZE.asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SANITIZE.tsan := -fsanitize=thread -fno-omit-frame-pointer
SANITIZE := $(SANITIZE.$(FLAVOUR))

PACKAGES := libcjson yaml-0.1
PLUGIN_PACKAGES := libcurl libcrypto
WEBHOOK_PACKAGES := libcurl libssl libcrypto libmicrohttpd
TEST_PACKAGES := cmocka

CPPFLAGS += -D_GNU_SOURCE -Ishared -I. -I$(BUILD)/generated -DKT_UPSTREAM_VERSION='"$(UPSTREAM_VERSION)"'
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu17 $(CFLAGS) $(WARNINGS) $(HARDENING) $(SANITIZE) -ffunction-sections -fdata-sections -MMD -MP
ALL_LDFLAGS = $(LDFLAGS) $(LINK_HARDENING) $(SANITIZE) -Wl,--gc-sections -pthread

# --- sources ---------------------------------------------------------------------------------------------------------
LIBRARY_SOURCES := $(wildcard shared/*/*.c)
CERTS_SOURCES := $(filter-out certs/make_certs.c,$(wildcard certs/*.c))
PLUGIN_SOURCES := $(wildcard plugin/*.c)
WEBHOOK_SOURCES := $(wildcard webhook/*.c webhook/*/*.c)
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
TEST_SUPPORT_SOURCES := $(wildcard tests/lib/*.c)
GENERATED_SOURCES := $(BUILD)/generated/catalog_tables.c $(BUILD)/generated/embedded_files.c

objects = $(patsubst %.c,$(BUILD)/objects/%.o,$(1))
LIBRARY := $(BUILD)/libkaito.a
PROGRAMS := $(BUILD)/bin/kubectl-kaito $(BUILD)/bin/kaito-webhook $(BUILD)/bin/make-certs
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SOURCES))

.PHONY: all
all: $(PROGRAMS) ## build both programs, and make-certs

$(BUILD)/objects/%.o: %.c | generated
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -c $< -o $@

$(BUILD)/objects/generated/%.o: $(BUILD)/generated/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c $< -o $@

$(LIBRARY): $(call objects,$(LIBRARY_SOURCES) $(CERTS_SOURCES)) \
  $(patsubst $(BUILD)/generated/%.c,$(BUILD)/objects/generated/%.o,$(GENERATED_SOURCES))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# The version goes into one object only, so that a new commit rebuilds one file.
$(BUILD)/objects/plugin/cmd_version.o $(BUILD)/objects/webhook/version.o: EXTRA_CFLAGS = -DKT_VERSION='"$(VERSION)"'

$(BUILD)/bin/kubectl-kaito: $(call objects,$(PLUGIN_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES) $(PLUGIN_PACKAGES)) -lm -o $@

$(BUILD)/bin/kaito-webhook: $(call objects,$(WEBHOOK_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES) $(WEBHOOK_PACKAGES)) -lm -o $@

$(BUILD)/bin/make-certs: $(call objects,certs/make_certs.c) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES) libcrypto libcurl) -lm -o $@

# --- generated code --------------------------------------------------------------------------------------------------
# A small program of ours, built for the host, turns the YAML files of the catalogue into constant tables.
$(BUILD)/generator/generate: $(wildcard shared/catalog/generator/*.c) shared/catalog/generator/generator.h \
  shared/catalog/fields.h shared/catalog/catalog.h shared/catalog/images.h
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu17 -O1 -g $(WARNINGS) -D_GNU_SOURCE -Ishared $(filter %.c,$^) $(shell pkg-config --libs yaml-0.1) -o $@

CATALOG := shared/catalog/models.yaml shared/catalog/skus.yaml shared/catalog/images.yaml
$(BUILD)/generated/catalog_tables.c: $(BUILD)/generator/generate $(CATALOG)
	@mkdir -p $(@D)
	$(Q)$(BUILD)/generator/generate $(CATALOG) > $@

# The rules of access, from the kinds that a Workspace is made of.
$(BUILD)/generator/rbac: $(call objects,shared/workload/generator/rbac.c) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES)) -lm -o $@

# Files that are compiled in as text: name=path, see base/embedded.h.
EMBEDDED := crd=manifests/crd/kaito.sh_workspaces.yaml training_keys=shared/admission/training_keys.yaml \
  templates=manifests/base/templates.yaml download_data=shared/workload/scripts/download-data.sh \
  pull_data=shared/workload/scripts/pull-data.sh adapter_output=shared/workload/scripts/adapter-output.sh \
  dataset=shared/workload/scripts/dataset.py
$(BUILD)/generated/embedded_files.c: Makefile $(foreach entry,$(EMBEDDED),$(lastword $(subst =, ,$(entry))))
	@mkdir -p $(@D)
	@{ echo '/* Generated by the Makefile. */'; echo '#include "base/embedded.h"'; \
	for entry in $(EMBEDDED); do \
	  echo "static const char text_$${entry%%=*}[] = {"; od -An -v -tu1 "$${entry#*=}" | sed -E 's/([0-9]+)/\1,/g'; echo '0};'; \
	  echo "const struct kt_embedded kt_embedded_$${entry%%=*} = {text_$${entry%%=*}, sizeof(text_$${entry%%=*}) - 1};"; \
	done; } > $@

.PHONY: generated
generated: $(GENERATED_SOURCES)

-include $(wildcard $(BUILD)/objects/*/*.d $(BUILD)/objects/*/*/*.d $(BUILD)/objects/*/*/*/*.d)

# --- tests -----------------------------------------------------------------------------------------------------------
$(BUILD)/tests/%: $(BUILD)/objects/tests/unit/%.o $(call objects,$(TEST_SUPPORT_SOURCES)) \
  $(call objects,$(filter-out webhook/main.c,$(WEBHOOK_SOURCES))) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES) $(WEBHOOK_PACKAGES) $(TEST_PACKAGES)) -lm -o $@

# Tests of the plugin's own modules link those instead of the server's.
$(BUILD)/tests/test_plugin_%: $(BUILD)/objects/tests/unit/test_plugin_%.o $(call objects,$(TEST_SUPPORT_SOURCES)) \
  $(call objects,$(filter-out plugin/main.c,$(PLUGIN_SOURCES))) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES) $(WEBHOOK_PACKAGES) $(TEST_PACKAGES)) -lm -o $@

# Does the plugin see what the server sees? Both are in it.
$(BUILD)/tests/test_observe: $(BUILD)/objects/tests/unit/test_observe.o $(call objects,$(TEST_SUPPORT_SOURCES)) \
  $(call objects,$(filter-out plugin/main.c,$(PLUGIN_SOURCES)) $(filter-out webhook/main.c,$(WEBHOOK_SOURCES))) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES) $(WEBHOOK_PACKAGES) $(TEST_PACKAGES)) -lm -o $@

# Programs that read cases of the oracle, and are run by that layer alone.
ORACLE_PROGRAMS := $(patsubst tests/oracle/%.c,$(BUILD)/oracle/%,$(wildcard tests/oracle/*.c))
$(BUILD)/oracle/%: $(BUILD)/objects/tests/oracle/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES)) -lm -o $@

.PHONY: unit-programs
unit-programs: $(UNIT_TESTS) $(ORACLE_PROGRAMS)

.PHONY: test
test: all unit-programs ## unit, golden, oracle, attack and end-to-end tests; the last line counts them
	@tests/run.sh unit golden oracle attack e2e tuning real

.PHONY: attack
attack: all ## hostile input, clients and servers, in full (10 minutes)
	@ATTACK_LONG=1 tests/run.sh attack

.PHONY: check-asan
check-asan: ## unit, golden and oracle layers with address and undefined-behaviour sanitizers
	$(MAKE) FLAVOUR=asan BUILD=$(BUILD)/asan CFLAGS="-O1 -g" all unit-programs
	BUILD=$(BUILD)/asan ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 tests/run.sh unit golden oracle

.PHONY: check-tsan
check-tsan: ## the threaded unit tests with the thread sanitizer
	$(MAKE) FLAVOUR=tsan BUILD=$(BUILD)/tsan CFLAGS="-O1 -g" all unit-programs
	BUILD=$(BUILD)/tsan tests/run.sh unit

.PHONY: check-valgrind
check-valgrind: all unit-programs ## unit, golden and a share of the oracle layer under valgrind
	@tests/run.sh valgrind golden_valgrind oracle_valgrind

.PHONY: check-trainer
check-trainer: all ## the real trainer on the CPU with our templates and examples; needs KAITO_SOURCE_DIR, see tests/trainer
	@tests/run.sh trainer

# --- fuzzing (clang) -------------------------------------------------------------------------------------------------
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60

.PHONY: fuzz-smoke
fuzz-smoke: ## every fuzzer for FUZZ_SECONDS (60), from its corpus
	$(MAKE) CC=clang BUILD=$(BUILD)/fuzz CFLAGS="-O1 -g" SANITIZE="-fsanitize=address,undefined,fuzzer-no-link" fuzzers
	@BUILD=$(BUILD)/fuzz tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZERS)

.PHONY: fuzzers
fuzzers: $(FUZZERS:%=$(BUILD)/fuzzers/%)

$(BUILD)/fuzzers/%: $(BUILD)/objects/tests/fuzz/fuzz_%.o $(call objects,tests/lib/apiserver_checks.c \
  $(filter-out webhook/main.c,$(WEBHOOK_SOURCES))) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer,address,undefined $^ $(shell pkg-config --libs $(PACKAGES) $(WEBHOOK_PACKAGES)) -lm -o $@

# --- seeing it run -----------------------------------------------------------------------------------------------------
CLUSTER_DIR ?= $(BUILD)/cluster
# --with-nodes: also Karpenter and kwok, which play GPU nodes and pods
CLUSTER_FLAGS ?=

.PHONY: demo
demo: deps all ## the product in a minute: offline, then tunings run on a real control plane on this machine
	@BUILD=$(BUILD) tests/demo/demo.sh

.PHONY: demo-offline
demo-offline: all ## the part of the demo that needs no cluster
	@BUILD=$(BUILD) tests/demo/demo.sh --offline

.PHONY: cluster-up
cluster-up: ## a control plane on loopback; CLUSTER_FLAGS=--with-nodes: with simulated GPU nodes
	@mkdir -p $(BUILD)
	@tests/cluster/up.sh $(CLUSTER_FLAGS) $(CLUSTER_DIR)
	@echo "export KUBECONFIG=$(abspath $(CLUSTER_DIR))/kubeconfig"

.PHONY: cluster-down
cluster-down: ## stops it
	@tests/cluster/down.sh $(CLUSTER_DIR)

.PHONY: bench
bench: all ## instructions, allocations, CPU, memory and sizes; see tests/bench/README.md
	@$(MAKE) --no-print-directory bench-programs
	@tests/bench/run.sh

.PHONY: bench-scale
bench-scale: all ## 100 and 500 tunings at once on a simulated cluster: time, CPU, memory, writes, order (10 minutes)
	@tests/bench/scale.sh

.PHONY: bench-programs
bench-programs: $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))

$(BUILD)/bench/cost: $(call objects,tests/lib/costly_review.c)
$(BUILD)/bench/review: $(call objects,$(filter-out webhook/main.c,$(WEBHOOK_SOURCES)))
$(BUILD)/bench/apiserver: $(call objects,$(addprefix tests/lib/,object_server.c object_writes.c scripted_server.c objects.c json_text.c))
$(BUILD)/bench/config_cost: $(call objects,$(filter webhook/cluster/% webhook/log.c webhook/outage.c webhook/cache_age.c webhook/json_lines.c,$(WEBHOOK_SOURCES)))

$(BUILD)/bench/%: $(BUILD)/objects/tests/bench/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(LIBRARY) $(shell pkg-config --libs $(PACKAGES) $(WEBHOOK_PACKAGES) $(TEST_PACKAGES)) -lm -o $@

# --- keeping it clean ------------------------------------------------------------------------------------------------
.PHONY: lint
lint: layering ## banned calls, sizes, format, shell scripts
	@tests/lint/run.sh

.PHONY: layering
layering: ## includes go only where ARCHITECTURE.md allows
	@tests/lint/layering.sh

.PHONY: check-generated
check-generated: all $(BUILD)/generator/rbac ## the tables in documents, and the rules of access, are what the code says
	@tests/lint/generated.sh

.PHONY: update-generated
update-generated: all $(BUILD)/generator/rbac ## writes those anew
	@tests/lint/generated.sh --update

# --- installing ------------------------------------------------------------------------------------------------------
DEBIAN_PACKAGES := gcc make pkg-config libmicrohttpd-dev libssl-dev libcjson-dev libyaml-dev libcurl4-openssl-dev \
  libcmocka-dev openssl curl python3 python3-venv valgrind ca-certificates git jq iproute2
REAL_PACKAGES := containerd runc containernetworking-plugins skopeo busybox-static python3-yaml util-linux
LINT_PACKAGES := clang clang-format libclang-rt-dev shellcheck busybox-static

.PHONY: deps
deps: ## installs the Debian packages that are missing
	@tests/lint/deps.sh $(DEBIAN_PACKAGES)

.PHONY: deps-lint
deps-lint: ## and those of lint, the clang build and the fuzzers
	@tests/lint/deps.sh $(DEBIAN_PACKAGES) $(LINT_PACKAGES)

.PHONY: deps-real
deps-real: ## and those with which pods really run (tests/real)
	@tests/lint/deps.sh $(DEBIAN_PACKAGES) $(REAL_PACKAGES)

.PHONY: install
install: all ## into DESTDIR/PREFIX (/usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 -s $(BUILD)/bin/kubectl-kaito $(BUILD)/bin/kaito-webhook $(DESTDIR)$(PREFIX)/bin
	ln -sf kubectl-kaito $(DESTDIR)$(PREFIX)/bin/kubectl_complete-kaito

.PHONY: clean
clean: ## remove what was built
	rm -rf build build-*

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
