# Two commands: `make book` and `make test`. Everything else serves them.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PACKAGE := $(wildcard urdgn_lite/*.py urdgn_lite/*/*.py urdgn_lite/weights/* results/*.* results/*/*)
CHAPTERS := $(wildcard book/*.ipynb book/*.md)
BOOKWORK := _config.yml book/_toc.yml book/references.bib $(wildcard book/assets/* book/assets/*/* tools/sphinx/*.py)
HTML := _build/html/index.html
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')# some always wait
ROOT := $(if $(filter 0,$(shell id -u)),,sudo)
APPARMOR := kernel.apparmor_restrict_unprivileged_userns# as Ubuntu has it since 23.10
export TQDM_DISABLE ?= 1

.DEFAULT_GOAL := help
.PHONY: help book read links lab fuzz licences hashes style test suite isolation colab image notebooks weights clean

help: ## say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; say PYTHON=/path/to/python3.11 make …"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(if $(HASHES),$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement .ci/hashes.txt)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

book: $(HTML) ## build the book from its notebooks, warnings as errors
	@echo "open $(abspath $(HTML)), or with what is live in its pages: make read"

# From the stored outputs, which `make test` compares with what the cells do today.
$(HTML): $(INSTALLED) $(PACKAGE) $(CHAPTERS) $(BOOKWORK)
	rm -rf _build
	$(BIN)/jupyter-book build book --config _config.yml --path-output . -W -n --keep-going
	@touch $@

read: book ## serve the book on localhost:8000
	$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

links: $(HTML) ## ask every external link of the book whether it still leads somewhere
	$(BIN)/jupyter-book build book --config _config.yml --path-output . --builder linkcheck --keep-going

lab: $(INSTALLED) ## open the chapters in JupyterLab
	TQDM_DISABLE= $(BIN)/jupyter lab book

licences: $(INSTALLED) ## list the licences of all that this depends on: .ci/licences.md
	$(BIN)/python tools/book/supply.py licences

hashes: $(INSTALLED) ## pin the hash of all that CI installs: .ci/hashes.txt
	$(BIN)/python -m pip install --dry-run --ignore-installed --quiet --report - \
	  --constraint constraints.txt ".[dev]" | $(BIN)/python tools/book/supply.py hashes

fuzz: $(INSTALLED) ## damaged and hostile inputs, for ten minutes
	$(BIN)/python tests/fuzz.py --minutes 10

style: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/book/sync.py --check
	$(BIN)/python tools/book/assignments.py --check

test: $(INSTALLED) ## every check: style, types, the built pages, tests, and a replay of every notebook
	$(MAKE) --no-print-directory --jobs 2 style suite

suite: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 10 --nbval book tests

isolation: ## what shuts submissions in while they are graded (Debian, Ubuntu; asks for root)
	$(ROOT) apt-get update --quiet
	$(ROOT) apt-get install --yes bubblewrap libseccomp2
	if sysctl --values $(APPARMOR) 2>/dev/null | grep -q 1; then $(ROOT) sysctl -w $(APPARMOR)=0; fi

colab: $(INSTALLED) ## replay all notebooks with what their set-up cell installs today
	$(BIN)/python -m pytest --nbval --fresh book

image: ## replay all notebooks with the packages of this machine, as in Colab's image
	$(PYTHON) -m venv --system-site-packages .venv
	$(BIN)/python -m pip install --quiet --editable . beartype nbval pybtex
	$(BIN)/python -m pytest --nbval book

notebooks: $(INSTALLED) ## execute all chapters and store their outputs
	$(BIN)/python tools/book/sync.py
	$(BIN)/python tools/book/execute.py $(wildcard book/*.ipynb)
	$(BIN)/python tools/book/sync.py  # the minutes that this took

weights: $(INSTALLED) ## make every generator that is released (FACES=…), in slices; days on a CPU
	until $(BIN)/python tools/runs/weights.py --faces $(or $(FACES),celeba128); do \
	  test $$? -eq 130 || exit 1; done

clean: ## remove what was built
	rm -rf _build .venv .pytest_cache .mypy_cache .ruff_cache
