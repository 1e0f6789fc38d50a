# Everything that a person or a machine does with this repository. Only Python 3.11 or 3.12 and the package index are needed.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
WORKERS ?= 2

.PHONY: help install quickstart mini test check bench notebooks clean

help:
	@echo "make install     .venv with everything that development needs"
	@echo "make quickstart  the whole loop on bundled data: prepare, train, evaluate, ask"
	@echo "make mini        build the bundled base anew in runs/mini: hours; a stopped build goes on"
	@echo "make test        the tests, on real databases, without a network; WORKERS=4 for more processes"
	@echo "make check       ruff and mypy"
	@echo "make bench       the benchmarks, short; each ends with one line of JSON"
	@echo "make notebooks   run every notebook from top to bottom"

install: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v in ((3, 11), (3, 12)) else f"Python 3.11 or 3.12 is needed, this is {v[0]}.{v[1]}: make install PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(STAMP)

quickstart: install
	$(BIN)/t2s quickstart

mini: install
	$(BIN)/t2s base build mini --output runs/mini --resume

test: install
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script --limit 100 || exit 1; done

notebooks: install
	@for notebook in notebooks/*.ipynb; do echo "== $$notebook"; $(BIN)/python notebooks/run.py $$notebook || exit 1; done

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
