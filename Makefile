# Each target calls one tool. The first run makes .venv from requirements.lock; later runs start at once.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
PIP := $(BIN)/python -m pip --disable-pip-version-check
ROOMS = $(subst /,.,$(patsubst %/__init__,%,$(basename $(wildcard pytools/[a-z]*.py pytools/*/__init__.py))))

.PHONY: help lab test build grade bench bench-grading docs lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

lab: $(READY)  ## open the course in JupyterLab (PORT=8890 asks for a port)
	@$(BIN)/course lab $(if $(PORT),--port $(PORT))

test: $(READY)  ## lint, then every test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

build: $(READY)  ## solutions/ -> course/: sync, execute, release
	$(BIN)/course build

grade: $(READY)  ## grade one assignment: make grade NAME=01_backprop
	@test -n "$(NAME)" || { echo "Which assignment? For example: make grade NAME=01_backprop"; exit 1; }
	$(BIN)/course grade $(NAME)

bench: $(READY)  ## time what must be fast, on one thread
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/benchmarks/bench_*.py -s

bench-grading: $(READY)  ## grade a class with nbgrader and with course grade, and compare
	OMP_NUM_THREADS=1 $(BIN)/python tests/benchmarks/grading.py

docs: $(READY)  ## the helper package's reference, into site/
	$(BIN)/python -m pdoc pytools $(ROOMS) --output-directory site

lock:  ## resolve requirements.lock anew (needs uv)
	sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml | uv pip compile pyproject.toml - \
	    --all-extras --universal --python-version 3.10 --no-python-downloads --upgrade --quiet \
	    --no-annotate --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock" --output-file requirements.lock

clean:  ## remove what make made
	rm -rf .venv .cache site

# The stamp comes last, so that an install that was cut short is taken up again.
# Debian's Python may lack ensurepip: then its own pip fills the empty environment.
$(READY): requirements.lock pyproject.toml
	@rm -f $@
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 10) or sys.exit("The course needs Python 3.10 or newer; $(PYTHON) is %d.%d. Try: make PYTHON=python3.12" % v[:2])'
	@$(PIP) --version >/dev/null 2>&1 || if $(PYTHON) -c 'import ensurepip; ensurepip.version()' 2>/dev/null; then \
	    $(PYTHON) -m venv --clear .venv; \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
	    $(PYTHON) -m venv --clear --without-pip .venv && $(PYTHON) -m pip --python .venv install pip; \
	else \
	    echo "$(PYTHON) has neither venv nor pip. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 1; \
	fi
	$(PIP) install --requirement requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
