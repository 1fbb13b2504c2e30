# Every target does its own set-up in .venv; a machine needs Python (3.11 or newer) and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# The first of these that is new enough and can make virtual environments; override with PYTHON=...
CANDIDATES := python3.11 python3 /usr/bin/python3 python3.12 python3.13 python3.14
PROBE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	if $$p -c '$(PROBE)' >/dev/null 2>&1; then echo $$p; break; fi; done)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
PEERS_VENV := .venv-peers
PEERS := $(PEERS_VENV)/.installed
PACKAGES := $(wildcard */__init__.py)

LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links

SOLC := build/solc
SOLC_VERSION := 0.8.37

SCENARIO ?= scenarios/quickstart.toml
WORKERS ?= 2
SOAK_RUNS ?= 50

WALLETS := build/wallets

.PHONY: help setup run test check lint types imports soak bench peers contracts wallets lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV) ## install everything into .venv (the other targets do it by themselves)

run: $(RUNTIME) ## run a scenario: SCENARIO=scenarios/quickstart.toml
	$(BIN)/orrery run $(SCENARIO)

test: $(DEV) ## run the tests, without the slow ones and the soak: WORKERS=2
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not soak"

check: lint types imports ## formatting, lint, types, import graph, and all tests but the soak
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not soak"

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV)
	$(BIN)/mypy
	$(BIN)/mypy tests bench examples

imports: $(DEV)
	$(BIN)/lint-imports

soak: $(DEV) ## search for rare failures: SOAK_RUNS=50 seeds, fresh examples
	ORRERY_HYPOTHESIS=soak ORRERY_SOAK_RUNS=$(SOAK_RUNS) \
		$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m soak

bench: $(RUNTIME) ## measure this machine and print the tables of bench/
	$(BIN)/orrery bench

contracts: $(SOLC)/node_modules/solc ## compile the workloads' contracts (node and npm needed)
	NODE_PATH=$(SOLC)/node_modules node sim/contracts/compile.js

$(SOLC)/node_modules/solc:
	npm install --prefix $(SOLC) --no-save --no-audit --no-fund --silent solc@$(SOLC_VERSION)

wallets: $(WALLETS)/.installed ## install ethers and viem for tests/live (node and npm needed)

$(WALLETS)/.installed: tests/live/wallets/package-lock.json
	@mkdir -p $(WALLETS)
	cp tests/live/wallets/package.json tests/live/wallets/package-lock.json $(WALLETS)/
	npm ci --prefix $(WALLETS) --no-audit --no-fund --silent
	@touch $@

peers: $(PEERS) ## install py-evm and EELS into .venv-peers, for `orrery bench evm-peers`

lock: $(DEV) ## resolve the dependencies anew and write requirements/*.lock
	$(BIN)/uv pip compile $(LOCK_OPTIONS) pyproject.toml requirements/build.in \
		--output-file requirements/runtime.lock
	$(BIN)/uv pip compile $(LOCK_OPTIONS) pyproject.toml requirements/build.in --extra dev \
		--constraints requirements/runtime.lock --output-file requirements/dev.lock
	$(BIN)/uv pip compile $(LOCK_OPTIONS) requirements/peers.in \
		--output-file requirements/peers.lock

clean: ## remove what the tools left (not .venv, not runs)
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache
	find . -path './$(VENV)*' -prune -o -name __pycache__ -type d -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv and ensurepip is needed" \
		"(Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp is newer than the lock it was installed from, so a second call does nothing.
# The packages are among what it depends on: an editable install knows only those it has seen.
$(RUNTIME): requirements/runtime.lock pyproject.toml $(PACKAGES) | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements/runtime.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.lock requirements/runtime.lock pyproject.toml $(PACKAGES) | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements/dev.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(RUNTIME) $@

$(PEERS): requirements/peers.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv and ensurepip is needed"; exit 1; }
	$(PYTHON) -m venv --clear $(PEERS_VENV)
	$(PEERS_VENV)/bin/python -m pip --disable-pip-version-check --quiet --quiet \
		install --require-hashes --requirement requirements/peers.lock
	@touch $@
