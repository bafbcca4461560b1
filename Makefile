# `make` says what there is. Running needs Go alone; .ci/run installs what tests and checks need beside it.

.DEFAULT_GOAL := help
export CGO_ENABLED := 0

# The tools, each at the version that this tree passes with. `make lint` installs them into bin/ when it needs them.
golangci-lint := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
oapi-codegen  := github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2
workflowcheck := go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
deadcode      := golang.org/x/tools/cmd/deadcode@v0.52.0
tools         := golangci-lint oapi-codegen workflowcheck deadcode

# $(call tool,NAME) is where a tool lies. The version is part of the name, so that another one is installed anew.
tool = bin/$(1)-$(lastword $(subst @, ,$($(1))))

define install-tool
$$(call tool,$(1)):
	@echo "Installing $$($(1))"
	@GOBIN="$$(CURDIR)/bin" go install $$($(1))
	@mv bin/$(1) $$@
endef
$(foreach name,$(tools),$(eval $(call install-tool,$(name))))

.PHONY: help
help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start the whole service on this machine
	@[ -x bin/standalone ] || echo "Building. The first time this takes several minutes, because a whole Temporal server is part of it."
	@go build -o bin/ ./standalone ./starter
	@exec bin/standalone

.PHONY: build
build: ## Build every program into bin/
	go build -o bin/ ./standalone ./api ./worker ./starter

.PHONY: test
test: ## Run every test; what they need they start by themselves
	go test -timeout 40m ./...

.PHONY: race
race: ## Run the tests under the race detector, save those that link Temporal's server (needs a C compiler)
	CGO_ENABLED=1 go test -race -timeout 40m $$(go list ./... | grep -v -e /standalone$$ -e /engine/embedded$$)

.PHONY: torture
torture: ## Break everything, again and again, under a thousand calls, and prove that nothing is lost (eleven minutes)
	go test ./standalone -run '^TestTorture$$' -torture.calls=1000 -torture.faults=110 -torture.seed=0 -timeout 60m -v

.PHONY: crashpoints
crashpoints: ## Let a worker die at every point of the life of a call, not only at some (five minutes)
	go test ./standalone -run '^TestEveryCrashPoint$$' -crashpoints.each=1 -timeout 30m -v

.PHONY: bench
bench: ## Measure what a call costs, beside two yardsticks
	go test -run '^$$' -bench . -benchtime 1x -timeout 30m ./standalone

.PHONY: generate
generate: $(call tool,oapi-codegen) ## Make the code that comes from api/openapi.yaml
	@for config in internal/httpapi/oapi-codegen.yaml starter/oapi-codegen.yaml; do $(call tool,oapi-codegen) -config "$$config" api/openapi.yaml; done

.PHONY: format
format: $(call tool,golangci-lint) ## Format the code
	@$(call tool,golangci-lint) fmt

.PHONY: lint
lint: lint-modules lint-code lint-workflows lint-dead lint-skips lint-generated lint-compose ## Check everything that is not a test

.PHONY: lint-modules
lint-modules:
	go mod tidy -diff

.PHONY: lint-code
lint-code: $(call tool,golangci-lint)
	$(call tool,golangci-lint) run --timeout 30m ./... ./workflows/testdata/record

.PHONY: lint-workflows
lint-workflows: $(call tool,workflowcheck)
	$(call tool,workflowcheck) -test=false -config .workflowcheck.yaml ./workflows

# deadcode tells what it finds and is content.
.PHONY: lint-dead
lint-dead: $(call tool,deadcode)
	@echo "$(call tool,deadcode) ./api ./worker ./starter ./standalone"
	@found=$$($(call tool,deadcode) ./api ./worker ./starter ./standalone) && test -z "$$found" || { echo "$$found"; exit 1; }

# A test that skips itself looks as if it had passed. A bare Skip() is rapid's, which only passes over one step of many.
.PHONY: lint-skips
lint-skips:
	@! grep -rnE --include='*_test.go' '\.(Skip\([^)]|Skipf\(|SkipNow\()|testing\.Short\(' .

.PHONY: lint-generated
lint-generated: $(call tool,oapi-codegen)
	@before=$$(cat internal/httpapi/openapi.gen.go starter/openapi.gen.go | cksum); $(MAKE) --no-print-directory generate; \
	after=$$(cat internal/httpapi/openapi.gen.go starter/openapi.gen.go | cksum); \
	test "$$before" = "$$after" || { echo "The generated code did not fit api/openapi.yaml. It does now: commit it."; exit 1; }

# Any value will do for the secrets, which the file itself demands.
.PHONY: lint-compose
lint-compose:
	@if docker compose version >/dev/null 2>&1; then compose="docker compose"; else compose=docker-compose; fi; \
	command -v $${compose%% *} >/dev/null || { echo "Checking docker-compose.yml needs Docker Compose: on Debian, apt-get install docker-compose"; exit 1; }; \
	echo "$$compose config --quiet"; \
	POSTGRES_PASSWORD=x LIFELINE_TOKENS=x LIFELINE_PAYLOAD_KEYS=x $$compose -f docker-compose.yml config --quiet

.PHONY: clean
clean: ## Remove what was built; the data directory stays
	rm -rf bin
