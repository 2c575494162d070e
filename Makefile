.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(VENV)/.installed ## Raw files (or a sample) to a finished warehouse: hitparade.duckdb
	hitparade build

test: $(VENV)/.installed-test ## Lint and types, then the quick tests: on one small warehouse, within 6 minutes
	ruff check .
	ruff format --check .
	mypy
	pytest --quick --numprocesses 2 --dist loadfile --no-loadscope-reorder --no-loadscope-reorder

test-all: $(VENV)/.installed-test data/sample/dataset.csv ## All tests: builds, faults and Snowflake too, within 35 minutes
	ruff check .
	ruff format --check .
	mypy
	HITPARADE_DATABASE=target/lint.duckdb sqlfluff lint dbt_project sql tests/dbt
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --no-loadscope-reorder

clients: $(VENV)/.installed ## Fetch the DuckDB clients that some tests want: older Python, CLI, Node
	pip install --quiet --quiet --disable-pip-version-check --no-input --progress-bar off --no-warn-conflicts --upgrade --target .clients/python duckdb==1.5.6
	pip install --quiet --quiet --disable-pip-version-check --no-input --progress-bar off --no-warn-conflicts --upgrade --target .clients/cli duckdb-cli==1.5.6
	npm install --silent --no-fund --no-audit --prefix .clients/node @duckdb/node-api@1.5.6-r.1

docs: $(VENV)/.installed-docs ## Renew the outputs in README.md and docs/
	python -m docs.tools

docs-check: $(VENV)/.installed-test ## Fail where README.md or docs/ shows what is not so
	pytest tests/e2e/test_docs.py

site: $(VENV)/.installed-docs ## Build the site of docs/, without network: target/site/index.html
	NO_MKDOCS_2_WARNING=1 mkdocs build

clean: ## Remove what was built, but neither the environment nor your raw files
	rm -rf target logs data/sample hitparade.duckdb hitparade.duckdb.wal hitparade.draft

# sqlfluff compiles the models, and some of them read the raw files.
data/sample/dataset.csv:
	mkdir -p target
	hitparade sample

# Every version is pinned in constraints.txt. Twice quiet: pip prints errors, and no warnings of places it does not use.
PIP_INSTALL := pip install --quiet --quiet --disable-pip-version-check --no-input --progress-bar off --constraint constraints.txt

$(VENV)/.installed: pyproject.toml constraints.txt
	python3.11 -m venv $(VENV)
	$(PIP_INSTALL) --editable .
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP_INSTALL) --editable '.[docs]'
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP_INSTALL) --editable '.[test]'
	touch $@

.PHONY: help build test test-all clients docs docs-check site clean
