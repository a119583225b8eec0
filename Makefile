# quick: the fast tests of single modules.  test: all tests, as the README's command runs them.
# check: what CI runs beside the tests: lint, types, the README word by word.
# covered: all tests, and what they cover; CI does so, too.  long: the same with all examples.
# fix: format and repair what ruff can.  bench: as named.
# docs: the documentation site, into build/site.  measured: renew what the pages show.
# bench-accuracy: stillpix, rivals and ablations (docs/accuracy.md); needs '.[bench]'. More options
# in ACCURACY, as in: make bench-accuracy ACCURACY="--first 31 --json found.json"
PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: quick check lint types test covered long smoke docs fix measured bench bench-accuracy

quick:
	$(PYTHON) -m pytest tests/unit -m "not slow"

check: lint types smoke

lint:
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m ruff check

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest

covered:
	$(PYTHON) -m pytest --cov --cov-report=term --cov-fail-under=95

long:
	$(PYTHON) -m pytest --long --cov --cov-report=term --cov-fail-under=95

# The README, word by word, in an environment of its own: finds a dependency that only the tests
# install, and a file that the wheel forgot.
smoke:
	$(PYTHON) docs/try_readme.py

# Strict: a link or an anchor that leads nowhere, or a file from another host, is an error.
docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --site-dir build/site

fix:
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

# Everything that the pages show and a program can make anew: tables from the code, output of
# commands, and tables from the result files of long runs (those runs are not repeated).
measured:
	$(PYTHON) docs/make_reference.py
	$(PYTHON) docs/make_wrong_arguments.py
	$(PYTHON) docs/make_man_pages.py
	$(PYTHON) docs/make_measurements.py
	$(PYTHON) benchmarks/bench_accuracy.py --from benchmarks/accuracy/measured.json.gz \
		--page docs/accuracy.md >/dev/null
	$(PYTHON) benchmarks/bench_repair.py --from benchmarks/repair/measured.json.gz \
		--page docs/repair.md >/dev/null

bench:
	for script in benchmarks/bench_*.py; do $(PYTHON) "$$script"; done

bench-accuracy:
	$(PYTHON) benchmarks/bench_accuracy.py --methods all --photos 20 60 200 --clean $(ACCURACY)
