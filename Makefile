.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(VENV)/.installed ## Raw files (or a sample) to a finished warehouse: hitparade.duckdb
	hitparade build

test: $(VENV)/.installed-test ## Lint and types, then the quick tests: on one small warehouse
	ruff check .
	ruff format --check .
	mypy
	pytest --quick --numprocesses 2 --no-loadscope-reorder

test-all: test data/sample/dataset.csv ## make test, then SQL lint and the slow tests: builds, faults, Snowflake
	HITPARADE_DATABASE=target/lint.duckdb sqlfluff lint dbt_project sql tests/dbt
	pytest --slow --numprocesses 2 --no-loadscope-reorder

clients: $(VENV)/.installed ## Fetch clients that some tests need: older DuckDB, its CLI, Node
	$(PIP) --no-warn-conflicts --upgrade --target .clients/python duckdb==1.5.6
	$(PIP) --no-warn-conflicts --upgrade --target .clients/cli duckdb-cli==1.5.6
	npm install --silent --no-fund --no-audit --prefix .clients/node @duckdb/node-api@1.5.6-r.1 pg@8.23.1

docs: $(VENV)/.installed-docs ## Update the outputs in README.md and docs/
	python -m docs.tools

docs-check: $(VENV)/.installed-test ## Fail if an output in README.md or docs/ is out of date
	pytest tests/e2e/test_docs.py

site: $(VENV)/.installed-docs ## Build the site of docs/, without network: target/site/index.html
	NO_MKDOCS_2_WARNING=1 mkdocs build

clean: ## Remove all built files, but not the environment and your raw files
	rm -rf target logs data/sample hitparade.duckdb hitparade.duckdb.wal hitparade.draft

# sqlfluff compiles the models, and some of them read the raw files.
data/sample/dataset.csv:
	mkdir -p target
	hitparade sample

# Every version is pinned in constraints.txt. With --quiet twice, pip prints only errors.
PIP = pip install --quiet --quiet --disable-pip-version-check --no-input --progress-bar off
PIP_INSTALL = $(PIP) --constraint constraints.txt

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
