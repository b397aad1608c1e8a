# The two commands of the README are `make demo` and `make test`; both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test check lock neo4j

help:  ## what can be made
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

install: $(INSTALLED)  ## prepare .venv with the locked dependencies

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Pathrec needs Python 3.11 or newer; name one with make PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: install  ## generate a shop, learn from it, serve it
	@$(BIN)/pathrec demo

# A hundred processes are started by the tests, most for seconds: they share Python's bytecode, which some machines are
# told not to keep, Java, which would spend longer on optimising than the optimised code runs, does less of it, and
# threads without work do not keep a core from those that have some.
FOR_SHORT_LIVES := OMP_WAIT_POLICY=passive PYTHONDONTWRITEBYTECODE= JAVA_TOOL_OPTIONS="$$JAVA_TOOL_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

test: install  ## all tests, in two processes of one thread each
	@$(FOR_SHORT_LIVES) OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 2 \
		--no-loadscope-reorder

check: install  ## format, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lock: install  ## pin the newest dependencies that fit
	@$(BIN)/uv pip compile --quiet --upgrade pyproject.toml --group dev --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --universal --python-version 3.11 --output-file requirements.lock

neo4j: install  ## a real Neo4j server on this machine, without Docker
	@$(BIN)/python -m tools.neo4j_server
