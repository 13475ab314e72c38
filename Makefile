# Each target makes the environment that it needs, once, under .venv/.
# An environment is made again only when its lock has changed.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo serve quick test slow environments soak bench train cli docs lint lock release clean

PYTHON ?= python3
VENVS  ?= .venv

GALLERY ?= digits.gallery

RUN := $(VENVS)/runtime
SERVE := $(VENVS)/serve
TRAIN := $(VENVS)/train
DEV := $(VENVS)/dev
CLUSTER := $(VENVS)/cluster

# Settings of a user's shell that would send packages elsewhere, or bring in others.
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIREMENT PIP_CONSTRAINT PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export TF_CPP_MIN_LOG_LEVEL ?= 3

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(RUN)/.ready ## see it work on real digits, without TensorFlow
	@$(RUN)/bin/likewise demo

serve: $(SERVE)/.ready ## serve the demo's gallery and its page at http://127.0.0.1:8000/
	@test -e $(GALLERY) || $(SERVE)/bin/likewise build $(GALLERY) mnist/train
	@$(SERVE)/bin/likewise serve $(GALLERY)

# As many processes of tests as there are cores; those of a browser, or of TensorFlow, run in one
# of them (conftest.py).
JOBS ?= auto
PARALLEL = -q -n $(JOBS) --durations=25
QUICK = $(foreach folder,tests/embedder/training embedder/training embedder/importing tests/likewise/server,--ignore=$(folder))

quick: $(DEV)/.ready ## run what needs no TensorFlow, browser or server: a minute of one core
	@$(DEV)/bin/python -m pytest -q -m "not costly and not slow and not soak" $(QUICK)

test: lint ## check style and types, run all but the slow tests, with coverage
	@$(DEV)/bin/python -m pytest $(PARALLEL) -m "not slow and not soak" --cov --cov-report=term

slow: $(DEV)/.ready $(CLUSTER)/.ready ## run the slow tests: kill -9, training, packaging, browser, damaged pictures, clusters
	@$(DEV)/bin/python -m pytest $(PARALLEL) -m "slow and not soak and not cluster"
	@$(CLUSTER)/bin/python -m pytest -q --durations=5 -m "cluster and not soak" tests/ray tests/test_kubernetes.py

environments: $(DEV)/.ready $(CLUSTER)/.ready ## make the environments of all tests

soak: $(DEV)/.ready ## run the longest tests, by hand: minutes of kills, of damaged pictures, of load
	@$(DEV)/bin/python -m pytest --durations=25 -q -m soak

bench: $(DEV)/.ready ## measure speed and memory, each figure beside its floor, as JSON lines
	@$(DEV)/bin/python -m bench

train: $(TRAIN)/.ready ## retrain the shipped digits model from the bundled digits
	@$(TRAIN)/bin/likewise train mnist --out embedder/pretrained

cli: $(DEV)/.ready ## write docs/cli.md, the help of every command
	@$(DEV)/bin/python -m docs.cli

docs: $(DEV)/.ready ## write the documentation as pages, with an API reference, to build/docs
	@$(DEV)/bin/mkdocs build --quiet

lint: $(DEV)/.ready ## check style (ruff) and types (mypy)
	@$(DEV)/bin/ruff check .
	@$(DEV)/bin/ruff format --check .
	@$(DEV)/bin/mypy

# Chosen for all Pythons and platforms at once. The wider lock binds the narrower ones, so that
# the tests run on the very versions that a user gets.
LOCK = $(DEV)/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-strip-extras --custom-compile-command "make lock" --quiet $(UPGRADE)

lock: $(DEV)/.ready ## renew requirements/ (UPGRADE=--upgrade for newer versions)
	$(LOCK) --group dev --extra cloud --extra parquet --extra photos --extra postgres --extra train --extra serve -o requirements/dev.txt
	$(LOCK) --group dev --group cluster --extra cloud --extra parquet --extra ray --extra serve -c requirements/dev.txt -o requirements/cluster.txt
	$(LOCK) --group build --extra train -c requirements/dev.txt -o requirements/train.txt
	$(LOCK) --group build --extra serve --extra postgres -c requirements/dev.txt -o requirements/serve.txt
	$(LOCK) --group build --extra photos -c requirements/dev.txt -o requirements/runtime.txt

release: $(DEV)/.ready ## build wheel and sdist in dist/, install each and run the demo from it
	@PYTHON=$(abspath $(DEV)/bin/python) .ci/release dist build/release

clean: ## remove the environments and all caches
	rm -rf $(VENVS) build dist .coverage .coverage.* htmlcov .demo
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENVS)/%/.locked: requirements/%.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11) <= v < (3, 14) or sys.exit( \
		f"likewise needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is {v[0]}.{v[1]}. " \
		"Name another one: make PYTHON=python3.12 ...")'
	@echo "Making the environment $(@D) ..." >&2
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install -qq --require-hashes -r $<
	@touch $@

$(VENVS)/%/.ready: $(VENVS)/%/.locked pyproject.toml
	@$(@D)/bin/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

.PRECIOUS: $(VENVS)/%/.locked
