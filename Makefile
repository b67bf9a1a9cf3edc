PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help test check clean

help: ## Show what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.dev: pyproject.toml
	@echo "==> making $(VENV) and installing the development tools"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

test: $(VENV)/.dev ## Run every test
	@$(BIN)/python -m pytest

check: $(VENV)/.dev ## Lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
