# Headwater: `make demo` shows it, `make test` proves it. Needs Python >= 3.11, make and git; everything else goes to .venv.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

SUITABLE := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.{14,13,12,11}; do $$p -c '$(SUITABLE)' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 2
CHAOS_MINUTES ?= 120
LONG := $(addprefix HEADWATER_CHAOS_,KILLS=1000 SECONDS=120 SCHEDULES=20000 RUNS=1000 HOURS=10)

.PHONY: help demo test lint types layers docs docs-check bench chaos shape wheel lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml
	@$(or $(PYTHON),false) -c '$(SUITABLE)' || { echo 'Headwater needs Python 3.11 or newer; name it: make PYTHON=…'; exit 1; }
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock setuptools wheel
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	$(BIN)/python -m compileall -q src
	@touch $@

demo: $(READY) ## create ./demo from real data: plan, apply, query, change, promote, roll back
	@$(BIN)/python tools/demo.py demo

test: $(READY) lint types layers wheel ## everything that must hold before a change is merged
	$(PYTEST) -n $(WORKERS) --dist loadgroup tests

lint: $(READY) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

layers: $(READY) ## imports go down only
	$(BIN)/lint-imports --no-logo --no-cache

wheel: $(READY) ## build the wheel, install it into a clean environment, try it
	$(BIN)/python tools/try_wheel.py

docs: $(READY) ## regenerate docs/reference from the code
	$(BIN)/python -m headwater.cli.reference --write

docs-check: $(READY) ## run every command block of README.md and docs/
	$(PYTEST) tests/docs

bench: $(READY) ## measure beside the peers (installed into bench/.peers), print tables, write bench/results/*.json
	$(BIN)/python -m bench.peers
	$(BIN)/python -m bench $(BENCH)

chaos: $(READY) ## the state machine, for CHAOS_MINUTES (default 120); 1,000 kills of a server's processes; long simulations
	HEADWATER_CHAOS_MINUTES=$(CHAOS_MINUTES) $(LONG) $(PYTEST) --timeout=0 -s -m chaos tests

shape: $(READY) ## the longest functions and modules, the widest signatures, the most imported modules
	@$(BIN)/python tools/shape.py

lock: $(READY) ## resolve requirements.lock anew
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip-tools>=7.4'
	$(BIN)/pip-compile --quiet --upgrade --all-extras --strip-extras --allow-unsafe --constraint requirements-held.txt \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  --output-file requirements.lock pyproject.toml

clean: ## remove what make made
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
