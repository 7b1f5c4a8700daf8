# SPDX-License-Identifier: Apache-2.0
#
# kubectl-kaito and kaito-webhook. `make help` lists the targets.
#
#   DEV=1        warnings are errors
#   CC=clang     another compiler (use another BUILD folder)
#   BUILD=dir    where objects and programs go (default: build)
#   FLAVOUR=asan address and undefined-behaviour sanitizers; FLAVOUR=tsan thread sanitizer

SHELL := /bin/bash
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
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
all: $(if $(PLUGIN_SOURCES),$(BUILD)/bin/kubectl-kaito) $(if $(WEBHOOK_SOURCES),$(BUILD)/bin/kaito-webhook) \
  $(if $(wildcard certs/make_certs.c),$(BUILD)/bin/make-certs) ## build both programs

$(BUILD)/objects/%.o: %.c | generated
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -c $< -o $@

$(BUILD)/objects/generated/%.o: $(BUILD)/generated/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c $< -o $@

$(LIBRARY): $(call objects,$(LIBRARY_SOURCES) $(CERTS_SOURCES)) \
  $(patsubst $(BUILD)/generated/%.c,$(BUILD)/objects/generated/%.o,$(GENERATED_SOURCES))
	@rm -f $@
	$(AR) rcs $@ $^

# The version goes into one object only, so that a new commit rebuilds one file.
$(BUILD)/objects/plugin/cmd_version.o $(BUILD)/objects/webhook/version.o: EXTRA_CFLAGS = -DKT_VERSION='"$(VERSION)"'

$(BUILD)/bin/kubectl-kaito: $(call objects,$(PLUGIN_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES) $(PLUGIN_PACKAGES)) -lm -o $@

$(BUILD)/bin/kaito-webhook: $(call objects,$(WEBHOOK_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES) $(WEBHOOK_PACKAGES)) -lm -o $@

$(BUILD)/bin/make-certs: $(call objects,certs/make_certs.c) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES) libcrypto libcurl) -lm -o $@

# --- generated code --------------------------------------------------------------------------------------------------
# A small program of ours, built for the host, turns the two YAML files into constant tables.
$(BUILD)/generator/generate: $(wildcard shared/catalog/generator/*.c) shared/catalog/generator/generator.h \
  shared/catalog/fields.h shared/catalog/catalog.h
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -O1 -g $(WARNINGS) -D_GNU_SOURCE -Ishared $(filter %.c,$^) $(shell pkg-config --libs yaml-0.1) -o $@

$(BUILD)/generated/catalog_tables.c: $(BUILD)/generator/generate shared/catalog/models.yaml shared/catalog/skus.yaml
	@mkdir -p $(@D)
	$(BUILD)/generator/generate shared/catalog/models.yaml shared/catalog/skus.yaml > $@

# Files that are compiled in as text: name=path, see base/embedded.h.
EMBEDDED := crd=manifests/crd/kaito.sh_workspaces.yaml training_keys=shared/admission/training_keys.yaml \
  templates=manifests/base/templates.yaml
$(BUILD)/generated/embedded_files.c: Makefile $(foreach entry,$(EMBEDDED),$(lastword $(subst =, ,$(entry))))
	@mkdir -p $(@D)
	@{ echo '/* Generated by the Makefile. */'; echo '#include "base/embedded.h"'; \
	for entry in $(EMBEDDED); do \
	  echo "static const char text_$${entry%%=*}[] = {"; od -An -v -tu1 "$${entry#*=}" | sed -E 's/([0-9]+)/\1,/g'; echo '0};'; \
	  echo "const struct kt_embedded kt_embedded_$${entry%%=*} = {text_$${entry%%=*}, sizeof(text_$${entry%%=*}) - 1};"; \
	done; } > $@

.PHONY: generated
generated: $(GENERATED_SOURCES)

.PHONY: check-generated
check-generated: ## the tables in documents are what the code says

-include $(wildcard $(BUILD)/objects/*/*.d $(BUILD)/objects/*/*/*.d $(BUILD)/objects/*/*/*/*.d)

# --- tests -----------------------------------------------------------------------------------------------------------
$(BUILD)/tests/%: $(BUILD)/objects/tests/unit/%.o $(call objects,$(TEST_SUPPORT_SOURCES)) $(LIBRARY) \
  $(call objects,$(filter-out webhook/main.c,$(WEBHOOK_SOURCES)))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs $(PACKAGES) $(WEBHOOK_PACKAGES) $(TEST_PACKAGES)) -lm -o $@

.PHONY: unit-programs
unit-programs: $(UNIT_TESTS)

.PHONY: clean
clean: ## remove what was built
	rm -rf build build-*

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
