# Two commands matter on a fresh machine: `make demo` and `make test`. Both need Python 3.11 or later, pip and make.
# What is installed is fixed by hash in the lock files; nothing is asked for, nothing but packages is downloaded.
.POSIX:
.PHONY: help demo test soak bench lock clean

VENV = .venv
BIN = $(VENV)/bin
PYTHON = $$(for python in python3 python3.13 python3.12 python3.11 python; do \
	command -v $$python >/dev/null && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)
PIP = PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 $(BIN)/python -m pip install --quiet

help:
	@echo "make demo   install and sync the built-in sandbox: the whole product in one command"
	@echo "make test   install the development tools and run every check"
	@echo "make soak   the slow tests"
	@echo "make bench  the benchmarks"
	@echo "make lock   refresh the lock files from pyproject.toml"

demo: $(VENV)/installed
	$(BIN)/interpret run

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

soak: $(VENV)/installed-dev
	$(BIN)/pytest -m soak

bench: $(VENV)/installed-dev
	@set -e; for each in benchmarks/[a-z]*.py; do \
		name=$$(basename "$$each" .py); echo "== $$name"; $(BIN)/python -m "benchmarks.$$name"; done

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/created:
	@python="$(PYTHON)"; test -n "$$python" || { echo "make: no Python 3.11 or later found" >&2; exit 1; }; \
	"$$python" -m venv $(VENV) || "$$python" -m virtualenv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/created requirements.lock pyproject.toml
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# pip-compile is needed by nobody but whoever refreshes the lock, so it lives in a venv of its own.
LOCK = build/lock
COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(LOCK)/bin/pip-compile --quiet --no-header --generate-hashes \
	--allow-unsafe --strip-extras --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	--all-build-deps

lock:
	test -x $(LOCK)/bin/pip-compile || { "$(PYTHON)" -m venv $(LOCK) \
		&& $(LOCK)/bin/python -m pip install --quiet --disable-pip-version-check 'pip-tools>=7.5'; }
	$(COMPILE) --output-file $(LOCK)/run.txt pyproject.toml
	$(COMPILE) --extra dev --constraint $(LOCK)/run.txt --output-file $(LOCK)/dev.txt pyproject.toml
	{ echo '# Versions and hashes of everything `make demo` installs. Made by `make lock`; do not edit.'; \
		grep -v '^#\|^$$' $(LOCK)/run.txt; } >requirements.lock
	{ echo '# Versions and hashes of everything `make test` installs. Made by `make lock`; do not edit.'; \
		grep -v '^#\|^$$' $(LOCK)/dev.txt; } >requirements-dev.lock
