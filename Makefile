# check: all that CI runs.  fix: format and repair what ruff can.  test, bench: as named.
PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: check lint types test smoke fix bench

check: lint types test smoke

lint:
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m ruff check

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest

# The bare wheel in an environment of its own, run outside the checkout: finds a dependency that
# only the tests install, and a file that the wheel forgot.
smoke:
	wheelhouse=$$(mktemp -d); trap 'rm -rf "$$wheelhouse"' EXIT; \
	$(PYTHON) -m build --wheel --outdir "$$wheelhouse" . ; \
	$(PYTHON) -m venv "$$wheelhouse/venv"; \
	"$$wheelhouse/venv/bin/python" -m pip install --quiet "$$wheelhouse"/*.whl; \
	cd "$$wheelhouse"; \
	export STILLPIX_LIBRARY="$$wheelhouse/library"; \
	venv/bin/stillpix --version; \
	venv/bin/stillpix demo

fix:
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

bench:
	for script in benchmarks/bench_*.py; do $(PYTHON) "$$script"; done
