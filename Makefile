# Every target does its own set-up: Python 3.11+ and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Every process of the tests would compile all modules again (measured: half of their time).
unexport PYTHONDONTWRITEBYTECODE

.PHONY: app test lint bench screenshots clean

app: $(READY)
	$(BIN)/kdeviz app

test: $(READY)
	$(BIN)/python -m pytest --numprocesses=logical --maxprocesses=8 --cov --cov-report=term --durations=15

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks.run

screenshots: $(READY)
	$(BIN)/python docs/make_screenshots.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kdeviz needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps anomalib==2.7.0  # the tests load four modules of it
	touch $@

clean:
	rm -rf $(VENV)
