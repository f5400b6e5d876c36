# Everything is built below .venv and build; both can be deleted at any time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WHEELS := build/wheel
DEMO := build/demo
DIST := build/dist
SOURCES := $(shell find visionft -type f -not -path '*/__pycache__/*' 2>/dev/null)

# Two processes of one thread each: the tests are many small pieces, which more threads only slow down.
# PYTHONSAFEPATH keeps the repository's visionft/ off sys.path, here and in the processes that tests start,
# so that what is tested is the wheel in .venv (tests/test_installed.py asserts it).
PYTEST := OMP_NUM_THREADS=1 PYTHONSAFEPATH=1 VISIONFT_WHEEL=1 $(BIN)/python -m pytest

.PHONY: demo test slow docs table lint format clean

demo: $(VENV)/.wheel
	$(BIN)/python examples/catalogue/render.py $(DEMO)/photos
	$(BIN)/visionft fit $(DEMO)/photos --out $(DEMO)/run
	$(BIN)/visionft evaluate $(DEMO)/run
	rm -rf $(DEMO)/bundle
	$(BIN)/visionft export $(DEMO)/run --out $(DEMO)/bundle
	$(BIN)/visionft predict $(DEMO)/bundle $(DEMO)/photos/mug/mug-01 $(DEMO)/photos/teapot/teapot-01

test: $(VENV)/.dev $(VENV)/.wheel
	$(PYTEST) -n 2 --dist loadfile

# Two processes as well, which begin with the files that take longest (tests/conftest.py): the one slow test of a time
# compares it with its own idle rounds, and killed runs wait for what they need, however long it takes.
slow: $(VENV)/.dev $(VENV)/.wheel
	$(PYTEST) -m "slow and not gpu" --timeout 1800 -n 2 --dist loadfile --no-loadscope-reorder

# The pages of docs/ as a site in build/docs; a warning is an error.
docs: $(VENV)/.dev $(VENV)/.wheel
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env docs build/docs

# The cells that are not measured yet; an hour for all of them. To measure anew, delete benchmarks/results/table.jsonl.
table: $(VENV)/.dev $(VENV)/.wheel
	$(BIN)/python benchmarks/table.py

lint: $(VENV)/.dev $(VENV)/.wheel
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict visionft
	$(BIN)/lint-imports
	rm -rf $(DIST)
	$(BIN)/hatchling build --directory $(DIST)
	$(BIN)/twine check --strict $(DIST)/*
	$(BIN)/check-wheel-contents $(DIST)/*.whl

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) build

# The stamps: an environment with our dependencies; the newest wheel in it; the tools of tests and checks.
$(VENV)/.base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet . "hatchling>=1.27"
	touch $@

$(VENV)/.wheel: $(VENV)/.base $(SOURCES) README.md LICENSE
	rm -rf $(WHEELS)
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir $(WHEELS) .
	$(PIP) install --quiet --no-deps --force-reinstall $(WHEELS)/*.whl
	touch $@

$(VENV)/.dev: $(VENV)/.base | $(VENV)/.wheel
	$(PIP) install --quiet "$$(echo $(WHEELS)/*.whl)[test,docs,lint]"
	touch $@
