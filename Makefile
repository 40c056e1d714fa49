# Needs Python 3.11+ and make; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
STORE ?= autophagy-runs
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check bench nightly clean

demo: .venv/run
	@$(BIN)/autophagy demo --store $(STORE)

test: .venv/dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python tools/check_house.py

bench: .venv/dev
	$(BIN)/python -m benchmarks

nightly: .venv/dev
	$(BIN)/autophagy run curse-gmm --store $(STORE)
	$(BIN)/autophagy run mad-grid --store $(STORE)
	$(BIN)/autophagy run mad-gaussian --store $(STORE)
	$(BIN)/autophagy run accumulate --store $(STORE)

clean:
	rm -rf .venv

# requirements.lock is what the package needs; requirements-dev.lock adds the tests' tools and torch, pinned.
.venv/run: requirements.lock pyproject.toml
	@echo "Setting up .venv (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet -r requirements.lock
	@$(BIN)/pip install --quiet --no-deps -e .
	@touch $@

.venv/dev: .venv/run requirements-dev.lock
	@$(BIN)/pip install --quiet -r requirements-dev.lock
	@touch $@
