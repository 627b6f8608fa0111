# One way in: every target sets up what it needs first.
VENV   := .venv
BIN    := $(CURDIR)/$(VENV)/bin
STAMP  := $(VENV)/.stamp
PYTHON ?= python3
UV_VERSION := 0.13.8

# uv ignores pip's settings; hand it the same folder of local wheels, if there is one.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
# Stages are started by name, so the environment's programs come first.
export PATH := $(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := true

.PHONY: setup repro test lint format ui lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	$(BIN)/python -m earmark.features.compiled
	@touch $(STAMP)
	@echo "The environment is ready: source $(VENV)/bin/activate"

repro: setup
	earmark check
	earmark repro
	dvc repro

test: lint
	python -m pytest

lint: setup
	ruff check .
	ruff format --check .
	mypy

format: setup
	ruff check --fix .
	ruff format .

# make ui PORT=5001
PORT := 5000
ui: setup
	earmark ui --port $(PORT)

# Add what pyproject.toml asks for and keep the other versions. torch's own accelerator packages stay out, they
# differ between CPU and CUDA builds.
lock:
	cp requirements.lock requirements.new
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header --no-emit-find-links \
	  --no-emit-index-url --extra pipeline --extra dev --extra demo pyproject.toml -o requirements.new
	{ head -2 requirements.lock; grep -vE '^(nvidia-|cuda-|triton)' requirements.new; } > requirements.tmp
	mv requirements.tmp requirements.lock && rm requirements.new

# What a user or the pipeline made stays: models and runs are not to be lost by tidying up.
LEFT := mlflow.db mlartifacts mlruns .earmark .dvc/cache data features models reports splits crossval score study release

clean:
	rm -rf $(VENV) build dist src/*.egg-info dvc_plots .pytest_cache .ruff_cache .mypy_cache .hypothesis
	for folder in $(wildcard src tests recipes benchmarks); do find $$folder -name __pycache__ -prune -exec rm -rf {} +; done
	@echo "Removed: the environment, what building leaves, DVC's plots, caches of tests and tools."
	@left=$$(ls -d $(LEFT) 2>/dev/null); test -z "$$left" || { \
	  echo "Left, because it holds your runs, models, recordings and results:"; du -sh $$left; \
	  echo "'rm -rf NAME' removes one. 'dvc repro' makes data/TASK, features and models again; recordings of your own,"; \
	  echo "and the runs and registered models in mlflow.db and mlartifacts, nobody does."; }
