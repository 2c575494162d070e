.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(VENV)/.installed ## Raw files (or a sample) to a finished warehouse: hitparade.duckdb
	hitparade build

test: $(VENV)/.installed-test ## Lint, then the quick tests: on one small warehouse, within 6 minutes
	ruff check .
	ruff format --check .
	pytest --quick --numprocesses 2 --dist loadgroup

test-all: $(VENV)/.installed-test data/sample/dataset.csv ## All tests: builds, faults and Snowflake too, within 35 minutes
	ruff check .
	ruff format --check .
	HITPARADE_DATABASE=target/lint.duckdb sqlfluff lint dbt_project sql tests/dbt
	pytest --numprocesses 2 --dist loadgroup

clients: $(VENV)/.installed ## Fetch the DuckDB clients that some tests want: older Python, CLI, Node
	pip install --quiet --no-warn-conflicts --upgrade --target .clients/python duckdb==1.5.6
	pip install --quiet --no-warn-conflicts --upgrade --target .clients/cli duckdb-cli==1.5.6
	npm install --silent --no-fund --no-audit --prefix .clients/node @duckdb/node-api@1.5.6-r.1

clean: ## Remove what was built, but neither the environment nor your raw files
	rm -rf target logs data/sample hitparade.duckdb hitparade.duckdb.wal hitparade.draft

# sqlfluff compiles the models, and some of them read the raw files.
data/sample/dataset.csv:
	mkdir -p target
	hitparade sample

# Every version is pinned in constraints.txt.
$(VENV)/.installed: pyproject.toml constraints.txt
	python3.11 -m venv $(VENV)
	pip install --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	pip install --constraint constraints.txt --editable '.[test]'
	touch $@

.PHONY: help build test test-all clients clean
