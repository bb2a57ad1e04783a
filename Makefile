# Nocturne. `make demo` and `make test` are all that a fresh machine with Go, gcc and make needs.
# `make help` lists the rest.

GO      ?= go
TAGS    := migrated_fynedo
BIN     := bin/nocturne
LAB     := .cache/lab/bin/lab
LABTEST := $(CURDIR)/.cache/lab/test
LABRUN  ?= Lab
LINT    := .cache/bin/golangci-lint
LINT_VERSION := v2.15.0
PKGS    ?= ./...
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

.DEFAULT_GOAL := help
.PHONY: help deps deps-test demo test race vet run build lint bench bench-history bench-scrape bench-kube fuzz screens demo-recording lab-build lab-up lab-down lab-test lab-test-alone clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

deps: ## install the system packages that building and running need
	@.ci/deps build

deps-test: deps
	@.ci/deps test

build: deps ## build bin/nocturne
	$(GO) build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/nocturne

demo: build ## open the wallboard on the built-in recording; without a display, render its boards to PNG
	@.ci/demo $(BIN)

run: build ## open the wallboard on this machine
	$(BIN) $(ARGS)

test: deps-test vet race ## vet and run every test with the race detector
	@echo "make test: all passed"

vet:
	$(GO) vet -tags $(TAGS) $(PKGS)
	cd cmd/lab && $(GO) vet ./...

race:
	$(GO) test -tags $(TAGS) -race -timeout 15m $(PKGS)
	cd cmd/lab && $(GO) test -timeout 5m ./...

lint: deps $(LINT) ## golangci-lint over both modules
	$(LINT) run --build-tags '$(TAGS) lab' ./...
	cd cmd/lab && ../../$(LINT) run --config ../../.golangci.yml ./...

$(LINT):
	GOBIN=$(CURDIR)/.cache/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

bench: deps-test ## the project's own benchmarks, each beside its peer
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchmem -timeout 60m $(PKGS)

bench-history: deps-test ## history beside Prometheus' tsdb and rrdtool, some five minutes
	$(GO) test -tags $(TAGS) -run '^$$' -bench 'History|RRDTool|Panels|Reopen|Events$$' -timeout 60m ./store

bench-scrape: deps-test ## 500 targets of 1,000 series beside Debian's prometheus, some four minutes
	$(GO) test -tags $(TAGS) -run '^$$' -bench BenchmarkScrape -benchtime 1x -timeout 15m ./collectors/scrape

bench-kube: deps-test lab-build ## 20,000 pods on a real API server: memory, time and processor, some five minutes
	$(LAB) build
	$(GO) test -tags $(TAGS) -run '^$$' -bench KubeSync -benchtime 1x -timeout 20m -v ./collectors/kube

fuzz: ## each fuzz test for 20 s
	@.ci/fuzz $(TAGS)

screens: build ## render the demo's boards into docs/screens
	@.ci/screens $(BIN) docs/screens

lab-build:
	@mkdir -p .cache/lab/bin
	cd cmd/lab && $(GO) build -o ../../$(LAB) .

lab-up: lab-build ## real Kubernetes control plane and real SNMP/LLDP network on this machine (root)
	@.ci/deps lab
	$(LAB) build
	$(LAB) up

lab-down: lab-build ## end what lab-up started
	$(LAB) down

# They run in namespaces of their own, with a lab of their own: other labs and wallboards on this machine go on.
lab-test: build lab-build ## the tests that need the lab (root); LABRUN='Lab(Servers|Network)$$' runs some
	@.ci/deps lab
	$(LAB) build
	$(GO) test -tags '$(TAGS) lab' -c -o .cache/lab/lab.test ./cmd/nocturne
	$(LAB) alone $(MAKE) --no-print-directory lab-test-alone
	NOCTURNE_CRASH_KILLS=1000 $(GO) test -tags '$(TAGS)' -count=1 -timeout 20m -v -run 'TestCrash$$' ./store

lab-test-alone:
	$(LAB) up --dir $(LABTEST)
	cd cmd/nocturne && NOCTURNE_LAB=1 NOCTURNE_LAB_DIR=$(LABTEST) $(CURDIR)/.cache/lab/lab.test -test.timeout 45m -test.run '$(LABRUN)'; \
	  code=$$?; $(CURDIR)/$(LAB) down --dir $(LABTEST); exit $$code

demo-recording: build lab-up ## record assets/demo.nocturne anew: 30 minutes of the lab with two incidents
	@.ci/demo-recording $(BIN) $(LAB) assets/demo.nocturne

clean: ## remove what was built
	rm -rf bin dist .cache/bin
