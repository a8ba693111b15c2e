# Ringback's tasks. "make" lists them.

CONFIG   ?= config.yaml
DATA     ?= data
FUZZTIME ?= 10s

GO       ?= go
# Tests of the pages, where there are any, drive a browser.
BROWSER  := $(shell git grep -lqF chromedp -- '*_test.go' && echo chromium)
LINT     := $(GO) tool -modfile=tools/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help demo run build test bench fuzz chaos compat lint fmt generate update/tzdata db/reset

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z\/]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Tell the story with a simulated shop and voice API, then keep the dashboard open
	@scripts/need.sh go postgres
	$(GO) build -o bin/ ./cmd/ringback
	@exec bin/ringback demo

run: ## Run the server with CONFIG (config.yaml)
	@scripts/need.sh go postgres
	@test -f "$(CONFIG)" || { echo "$(CONFIG) is missing: cp config.example.yaml $(CONFIG), then edit it"; exit 1; }
	$(GO) build -o bin/ ./cmd/server
	@exec bin/server -config "$(CONFIG)"

build: ## Build the programs into bin/
	@scripts/need.sh go
	$(GO) build -trimpath -o bin/ ./cmd/...

test: ## Run all tests, with the race detector
	@scripts/need.sh go cc postgres $(BROWSER)
	$(GO) test -race -timeout 20m ./...

bench: ## Run the benchmarks; the ones of the lines take twenty minutes
	@scripts/need.sh go postgres
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./...

fuzz: ## Fuzz every fuzz test for FUZZTIME (10s)
	@scripts/need.sh go
	@scripts/fuzz.sh $(FUZZTIME)

chaos: ## Kill servers and workers at random under load and check the promises; takes some minutes
	@scripts/need.sh go postgres
	@scripts/chaos.sh

compat: ## Run this program beside another release under load: REF=COMMIT
	@scripts/need.sh go postgres
	@scripts/compat.sh "$(REF)"

lint: ## Check formatting, generated code, dead code and the rules of .golangci.yml
	@scripts/need.sh go
	@scripts/gofmt.sh
	@scripts/generate.sh --check
	$(LINT) run
	@scripts/deadcode.sh

fmt: ## Format the code
	gofmt -w cmd internal migrations

generate: ## Make the code that comes from templates
	@scripts/generate.sh

update/tzdata: ## Embed the newest time zone data (on Debian)
	@scripts/need.sh go
	@scripts/update-tzdata.sh

db/reset: ## Throw the embedded databases under DATA (data) away
	@scripts/db-reset.sh "$(DATA)"
