# Two commands: `make run` starts Kotae, `make test` runs its tests. Both use .venv.
PYTHON ?= python3
VENV := .venv
PEERS := .venv-bench
FASTEMBED := .venv-bench-fastembed
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt $(PIP_OPTIONS)
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
WORKERS := 6

.PHONY: run test test-long test-all test-postgres eval bench soak lint docs help

help:
	@echo "make run    start Kotae: on Slack when .env has the two tokens, otherwise in the local workspace"
	@echo "make test   install what the tests need and run all but the long ones, within ten minutes on two cores"
	@echo "make test-long       tests that kill bots, compile models, load torch or wait for minutes"
	@echo "make test-all        both in one go"
	@echo "make test-postgres   tests of the state and the front door, on PostgreSQL with pgvector (INDEX=faiss; ALL=1: all)"
	@echo "make eval   measure answers and silence on the sets in tests/sets, or SETS=folder, with three encoders"
	@echo "make bench  measure speed and memory beside what one would use instead, in about 90 minutes (BENCH=--quick: 10)"
	@echo "make soak   break everything many times, in some hours (SOAK='--share 0.05': a small part; SOAK=leaks: one row)"
	@echo "make lint   ruff, mypy and import-linter"
	@echo "make docs   the documentation as a site, in English and Japanese, in site/"

run: $(VENV)/installed-run
	@$(BIN)/kotae

test: $(VENV)/compiled
	$(PYTEST) -m "not long"

test-long: $(VENV)/compiled
	-$(BIN)/python -m tests.e5
	$(PYTEST) -m long

test-all: $(VENV)/compiled
	-$(BIN)/python -m tests.e5
	$(PYTEST)

test-postgres: WORKERS := 4
test-postgres: $(VENV)/compiled
	KOTAE_TEST_DATABASE=postgresql KOTAE_TEST_INDEX=$(or $(INDEX),pgvector) KOTAE_TEST_ALL=$(ALL) \
		$(PYTEST) tests/slack tests/test_inbox.py tests/test_retention.py \
		tests/test_store.py tests/test_store_learning.py tests/test_voices.py

eval: $(VENV)/installed-dev
	$(BIN)/python -m tests.sets $(SETS)

bench: $(VENV)/installed-dev $(PEERS)/installed $(FASTEMBED)/installed
	-$(BIN)/python -m tests.e5
	$(BIN)/python -m tests.benchmarks --peers $(PEERS)/bin/python --fastembed $(FASTEMBED)/bin/python --json bench.json $(BENCH)

soak: $(VENV)/installed-dev
	$(BIN)/python -m tests.faults $(SOAK)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: export NO_MKDOCS_2_WARNING = 1
docs: $(VENV)/installed-docs
	$(BIN)/python -m mkdocs build
	DOCS_LANGUAGE=ja SITE_DIR=site/ja $(BIN)/python -m mkdocs build
	@echo "Open site/index.html"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed-run: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) --editable '.[try]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/installed-run

$(VENV)/compiled: $(VENV)/installed-dev  # what the tests import, by one process instead of six
	-$(BIN)/python -m pytest --collect-only --quiet --quiet >/dev/null
	@touch $@

$(VENV)/installed-docs: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) --editable '.[docs]'
	@touch $@

$(VENV)/installed-all: pyproject.toml constraints.txt | $(BIN)/python  # at once, for what needs both
	$(PIP_INSTALL) --editable '.[dev,docs]'
	@touch $@ $(VENV)/installed-run $(VENV)/installed-dev $(VENV)/installed-docs

$(PEERS)/installed: tests/benchmarks/requirements.txt constraints.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --disable-pip-version-check --constraint constraints.txt --requirement $<
	@touch $@

$(FASTEMBED)/installed: tests/benchmarks/requirements-fastembed.txt
	$(PYTHON) -m venv $(FASTEMBED)
	$(FASTEMBED)/bin/python -m pip install --disable-pip-version-check --requirement $<
	@touch $@
