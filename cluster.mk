# What needs the images, Helm or the lab cluster. Included by Makefile.

HELM_VERSION := v4.3.1
HELM := $(CACHE)/bin/helm-$(HELM_VERSION)
ECHO := registry.k8s.io/gateway-api/conformance/echo-basic
CLUSTER := test/cluster/cluster
CLUSTER_ENV = eval "$$($(CLUSTER) env)"
# The tags of the images that are built here, as the chart takes them
export OPERATOR_VERSION := $(call version,operator)
export GATEWAY_VERSION := $(call version,chaperone)
# PROFILE and RUN choose what of the conformance suite runs: profiles, comma-separated, and a single test's name.
PROFILE ?= GATEWAY-HTTP
RUN ?=
CONFORMANCE_PARALLEL ?= 2
# PASS_DOOR is the door of passed requests in the suite's Gateways: Direct or Fetch; empty for what the gateway chooses.
PASS_DOOR ?=
CONFORMANCE_CLASS := varnish$(if $(PASS_DOOR),-$(shell echo $(PASS_DOOR) | tr A-Z a-z))
CONFORMANCE_REPORT := $(PROFILE)$(addprefix -,$(PASS_DOOR))

.PHONY: images
images: build ## the images, as archives in build/images
	images/build

.PHONY: helm
helm: $(HELM) ## Helm, built from its Go module

$(HELM):
	mkdir -p $(dir $@)
	GOBIN=$(CACHE)/helm GOWORK=off CGO_ENABLED=0 go install -ldflags '-s -w' helm.sh/helm/v4/cmd/helm@$(HELM_VERSION)
	mv $(CACHE)/helm/helm $@

.PHONY: chart
chart: ## copy what the chart ships of other directories
	rm -f deploy/chart/manifests/crd/*.yaml
	cp operator/config/crd/*.yaml deploy/chart/manifests/crd/

.PHONY: test-chart
test-chart: $(HELM) ## lint the chart, and render it with good and bad values
	$(HELM) lint --strict deploy/chart
	cd test && GOWORK=off HELM=$(HELM) go test -race -count=1 -tags chart ./chart

.PHONY: test-operator
test-operator: build ## the operator against a real API server, with pods that only pretend
	$(CLUSTER) build
	$(CLUSTER_ENV); cd test && GOWORK=off go test -race -count=1 -timeout 15m -tags apiserver ./controller

.PHONY: cluster
cluster: images $(HELM) ## the lab cluster with the Gateway API, our images and our chart; run again, it upgrades
	$(CLUSTER) up
	HELM=$(HELM) test/cluster/install

.PHONY: cluster-down
cluster-down: ## end the lab cluster
	$(CLUSTER) down

# Binaries of the suite: the suite itself, and the server that answers for its backends
$(BUILD)/conformance/conformance.test: test/go.mod $(wildcard test/conformance/*.go)
	cd test && GOWORK=off CGO_ENABLED=0 go test -c -trimpath -tags conformance -o ../$@ ./conformance

$(BUILD)/echo-basic/echo-basic: test/go.mod
	cd test && GOWORK=off CGO_ENABLED=0 go build -trimpath -o ../$@ sigs.k8s.io/gateway-api-conformance-images/echo-basic

.PHONY: echo-image
echo-image: $(BUILD)/echo-basic/echo-basic
	for version in v0.1.0 v0.2.0; do \
	  $(CLUSTER) load $(BUILD)/echo-basic $(ECHO):$$version --entrypoint /echo-basic --user 65532; done

.PHONY: conformance
conformance: cluster conformance-run ## the Gateway API's suite in the lab cluster [PROFILE=... RUN=TestName]

.PHONY: conformance-run
conformance-run: $(BUILD)/conformance/conformance.test echo-image
	$(if $(PASS_DOOR),$(CLUSTER_ENV); test/cluster/class-of-door $(CONFORMANCE_CLASS) $(PASS_DOOR))
	$(CLUSTER_ENV); cd $(BUILD)/conformance && time ./conformance.test -test.v -test.timeout 60m -test.parallel $(CONFORMANCE_PARALLEL) \
	  -gateway-class $(CONFORMANCE_CLASS) -conformance-profiles $(PROFILE) $(if $(RUN),-run-test $(RUN)) \
	  -report-output report-$(CONFORMANCE_REPORT).yaml 2>&1 | tee log-$(CONFORMANCE_REPORT).txt | grep -E '^ *(---|===|FAIL|PASS|ok|panic)|conformance_test.go' ; \
	  exit $${PIPESTATUS[0]}

.PHONY: e2e
e2e: cluster e2e-run ## the gateway in the lab cluster: reloads, scaling, faults under load

# What needs the cluster comes after it, also where make runs several at a time
echo-image conformance-run e2e-run: | $(if $(filter cluster conformance e2e,$(MAKECMDGOALS)),cluster)

.PHONY: e2e-run
e2e-run: echo-image
	$(CLUSTER_ENV); cd test && GOWORK=off HELM=$(HELM) go test -race -count=1 -v -timeout 60m -tags cluster ./e2e-cluster
