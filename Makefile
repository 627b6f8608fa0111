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
	touch $(STAMP)

repro: setup
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

ui: setup
	earmark ui

# Add what pyproject.toml asks for and keep the other versions. torch's own accelerator packages stay out, they
# differ between CPU and CUDA builds.
lock:
	cp requirements.lock requirements.new
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header --no-emit-find-links \
	  --no-emit-index-url --extra dev --extra demo pyproject.toml -o requirements.new
	{ head -2 requirements.lock; grep -vE '^(nvidia-|cuda-|triton)' requirements.new; } > requirements.tmp
	mv requirements.tmp requirements.lock && rm requirements.new

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache build
