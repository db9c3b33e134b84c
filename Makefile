#? The whole workshop. `make help` lists the targets; `make demo` and `make test` need nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
NPROC  := $(shell nproc 2>/dev/null || echo 2)
PYTEST := $(BIN)/python -m pytest -q -p no:cacheprovider -n $(NPROC) --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help demo check test acceptance docs fix soak mutants bench loop dist release clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "Python 3.10 or newer is needed; say which with PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(READY) ## the main job on this machine: one application dies, its record goes (DEMO_ARGS=--script ends after it)
	$(BIN)/dnsbalancer demo $(DEMO_ARGS)

check: $(READY) ## format, lint, types, layers, unit and property tests: under two minutes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(PYTEST) tests/unit tests/property

test: check ## everything: check, and contract, end-to-end and repository tests
	@tests/tools.sh
	$(PYTEST) tests/contract tests/simulation tests/e2e tests/monitoring tests/repo tests/documents tests/packaging

acceptance: $(READY) dist ## three machines with a real systemd in three zones, as a story with times (root)
	@tests/tools.sh
	$(BIN)/python -m tests.acceptance dist/dnsbalancer

docs: $(READY) ## write the documents that are made from the code
	$(BIN)/python -m tests.repo.generated
	$(BIN)/python -m alerts.generate
	$(BIN)/python -m dashboards.generate

soak: $(READY) ## drawn worlds for as long as told (SOAK=30m): prints the seed of what it finds
	$(BIN)/python -m tests.simulation.soak

mutants: $(READY) ## plant known bugs one by one, and see a named test fail by each (ONLY=word takes some)
	$(BIN)/python -m tests.mutants.run

bench: $(READY) dist ## what probes, a failover, a quiet cycle, a member and a start cost
	@benchmarks/peers.sh
	$(BIN)/python -m benchmarks.probes
	$(BIN)/python -m benchmarks.steady
	$(BIN)/python -m benchmarks.kill
	$(BIN)/python -m benchmarks.failover
	$(BIN)/python -m benchmarks.page
	$(BIN)/python -m benchmarks.scrape
	$(BIN)/python -m benchmarks.start
	$(BIN)/python -m benchmarks.verdict

loop: $(READY) ## a failover from the chair of a client behind a resolver, beside gdnsd and PowerDNS (root, half an hour)
	@benchmarks/peers.sh
	$(BIN)/python -m benchmarks.loop

dist: $(READY) ## one file that runs anywhere, dist/dnsbalancer, and its .deb and .rpm
	@rm -rf dist
	$(BIN)/python packaging/build.py dist/dnsbalancer
	$(BIN)/python packaging/package.py dist/dnsbalancer dist

release: $(READY) ## build for every Python, test what was built, and write checksums
	@CI=true tests/tools.sh
	$(BIN)/python packaging/release.py dist

fix: $(READY) ## format and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the other targets made
	rm -rf $(VENV) dist build test-results .mypy_cache .ruff_cache .hypothesis
