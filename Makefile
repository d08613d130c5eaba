# Everything one does with a checkout of Odos. `make demo` is all a visitor needs; `make help` lists the rest.
# Needs Python 3.11 or newer. Databases, Node and a browser are installed beside it where they are missing.

PYTHON ?= $(shell sh deploy/python.sh)
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --quiet --disable-pip-version-check --require-hashes
WORKERS ?= 2

.PHONY: help demo up install install-test test test-long bench bench-companies lint lock messages clean

help:
	@echo "make demo       install, then run Odos with a demo company (Ctrl-C stops it)"
	@echo "make up         install, then run Odos"
	@echo "make install    the locked packages into $(VENV), the front end built, translations compiled"
	@echo "make test       install what tests need, a browser included, and run them"
	@echo "make test-long  the same tests with many more random draws, and the long ones"
	@echo "make bench      measure every workload beside hand-written SQL (SCALE=0.1 a tenth of the company, CHECK=1 fails where it got worse)"
	@echo "make bench-companies  measure a thousand companies (COMPANIES=50 fewer)"
	@echo "make lint       style and import rules"
	@echo "make messages   bring the catalogues of translations in step with the code; says what is not translated"
	@echo "make lock       renew the lock files from requirements*.in and package.json"

demo: install
	@exec $(PY) manage.py up --demo

up: install
	@exec $(PY) manage.py up

install: $(VENV)/.runtime
	@$(PY) -m deploy.frontend
	@$(PY) -m deploy.translations

install-test: install $(VENV)/.tests
	@$(PY) -m deploy.chromium

test: install-test
	@$(PY) -m pytest -n $(WORKERS) --dist loadscope $(ARGS)

test-long: install-test
	@ODOS_LONG=1 $(PY) -m pytest -n $(WORKERS) --dist loadscope $(ARGS)

# KEEP=1 writes docs/benchmarks.md and .json from this run. Data lie in .bench/, or where ODOS_BENCH_HOME says.
bench: install $(VENV)/.tests
	@$(PY) -m tests.bench --scale $(or $(SCALE),1) $(if $(CHECK),--check) $(if $(KEEP),--keep) $(ARGS)

bench-companies: install $(VENV)/.tests
	@$(PY) -m tests.bench --companies $(or $(COMPANIES),1000) $(if $(KEEP),--keep) $(ARGS)

lint: $(VENV)/.tests
	@$(PY) -m ruff check .
	@$(VENV)/bin/lint-imports

lock: $(VENV)/.runtime
	@$(PY) -m pip install --quiet uv
	@for name in requirements requirements-dev requirements-node; do \
		$(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-config \
			--no-emit-index-url --no-annotate --no-header $$name.in -o $$name.lock || exit 1; done
	@npm install --package-lock-only --no-audit --no-fund

messages: $(VENV)/.runtime
	@$(PY) -m deploy.messages
	@$(PY) -m deploy.translations

clean:
	rm -rf node_modules core/static/dist $(VENV)

$(PY):
	@test -n "$(PYTHON)" || { echo "Odos needs Python 3.11 or newer: install it, then run make again." >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv module is missing: install it (Debian and Ubuntu: apt-get install python3-venv), then run make again." >&2; exit 1; }

$(VENV)/.runtime: requirements.lock | $(PY)
	@echo "Installing the packages Odos runs with ..."
	@$(PIP) -r requirements.lock
	@touch $@

$(VENV)/.tests: requirements-dev.lock | $(VENV)/.runtime
	@echo "Installing the packages of the tests ..."
	@$(PIP) -r requirements-dev.lock
	@touch $@
