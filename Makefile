# One command each, on a machine that has Python 3.11 or newer, make and a package index:
#   make demo     the seed story as a stream, on embedded servers   (make demo ARGS="--once --format json")
#   make test     every test, on the real servers: quick, slow, servers (each a target of its own)
#   make test-faults   hundreds of kills and other faults, and builds broken on purpose; more than an hour
#   make check    format, lint, types, the directions of imports, the fast tests
#   make bench    what it does in a second, each figure beside a baseline of the same run
# `make lock` writes the lock files anew after a dependency changed in pyproject.toml.

PYTHON ?= python3
ARGS ?=
PROCESSES ?= logical
BIN := .venv/bin
STAMP := .venv/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-faults check lint quick slow servers bench lock clean
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --keep-going

demo: $(STAMP)
	@$(BIN)/tracker demo $(ARGS)

# Every test is in one of three parts. make runs a part once however many targets ask for it, so `make check test` does
# not repeat the quick ones; one part that fails keeps no other from running, and fails the whole.
test: quick slow servers

# Beside one another, since they share nothing: a process that has nothing left takes half of what another has not begun.
quick: $(STAMP)
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal -m "not servers and not slow and not faults"

slow: $(STAMP)
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal -m "slow and not servers and not faults"

# In one process: it starts the servers once, and measures memory and time.
servers: $(STAMP)
	$(BIN)/pytest -m "servers and not faults"

# FAULT_KILLS, FAULT_EVENTS and FAULT_SEED in the environment change its size; the table at the end says what bit.
test-faults: $(STAMP)
	$(BIN)/pytest tests/faults -m faults -s

check: lint quick

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy services events tests seeds bench
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --require-hashes -r bench/requirements.lock
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --require-hashes -r bench/streams.lock
	$(BIN)/python -m bench

# Exactly the locked files, by their hashes; then the tracker itself, which needs nothing more.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# Locks: a clone's; what `make bench` adds to it; the other stream processors, in an environment of their own (they need
# older packages); and the container image's.
COMPILE := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

lock:
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet pip-tools
	$(COMPILE) --extra embedded --extra dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --output-file bench/streams.lock bench/streams.in
	$(COMPILE) --extra bench --constraint requirements.lock --output-file bench/requirements.lock pyproject.toml
	$(COMPILE) --constraint requirements.lock --output-file deploy/requirements.lock pyproject.toml

clean:
	rm -rf .venv .venv-bench .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
