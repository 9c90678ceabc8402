PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NAME ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help serve test check fix bench environment clean
.DEFAULT_GOAL := help

help: ## list these
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: environment ## make the environment if needed, then run the platform on an embedded store
	@$(BIN)/ioruntime serve $(ARGS)

test: environment ## run the tests that need no extra server and no npm client
	@$(BIN)/pytest -n 2 -m "not postgres and not nats and not docker and not kubernetes and not browser and not clients and not slow" $(ARGS)

check: environment ## format, lint, architecture, types and every test: what a change must pass
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/basedpyright
	@$(BIN)/python scripts/check_supply.py
	@$(BIN)/pytest -n 2 $(ARGS)

fix: environment ## format, and mend what can be mended safely
	@$(BIN)/ruff check --fix -q . || true
	@$(BIN)/ruff format .

bench: environment ## measure: all benchmarks, or NAME=one, as ratios to a floor in the same run
	@$(BIN)/python -m benchmarks $(NAME)

environment: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt scripts/environment.sh
	@PYTHON=$(PYTHON) VENV=$(VENV) sh scripts/environment.sh
	@touch $@

clean: ## remove the environment and everything that was built
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
