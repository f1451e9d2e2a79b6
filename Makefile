# SPDX-License-Identifier: Apache-2.0
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
DATA ?= post-office

help: ## show these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/.ready: requirements/dev.lock pyproject.toml scripts/environment
	@PYTHON=$(PYTHON) scripts/environment $(VENV)

setup: $(VENV)/.ready ## make the environment in .venv

# The same sources, the hottest of them compiled: for servers and for `make bench`.
FAST := .fast
$(FAST)/.ready: $(VENV)/.ready scripts/compiled.py scripts/constructors.py scripts/compiled-environment \
		$(shell find src/eepost -name '*.py')
	@scripts/compiled-environment $(VENV) $(FAST)

fast: $(FAST)/.ready ## make .fast/bin/eepost, compiled where there is a C compiler: a third less CPU

run: setup ## create (or go on with) a trial post office, send a first mail, keep serving
	@$(BIN)/eepost trial --data $(DATA)

check: setup ## format, lint, import contracts, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# The pure rooms' own tests leave no branch of these rooms untried; the rest, which mostly waits for
# other programs, runs without counting.
PURE_TESTS := tests/mail tests/sanitise tests/engines tests/seal tests/maildrop tests/queue tests/letters tests/test_lines.py
PURE_ROOMS := */eepost/mail/*,*/eepost/sanitise/*,*/eepost/wire/*,*/eepost/seal/*,*/eepost/maildrop/*,*/eepost/queue/*,*/eepost/letters/*

# What waits for other programs runs four files at a time: it waits more than it computes.
test: setup ## install what the tests need and run them all
	@scripts/debian-packages tests i2p compiled
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-pure fast
	$(BIN)/python -m pytest -n 4 --dist loadfile $(addprefix --ignore=,$(PURE_TESTS))
	@$(MAKE) --no-print-directory test-compiled
	@[ "$$(id -u)" -eq 0 ] || $(MAKE) --no-print-directory test-i2p

test-pure: setup ## the pure rooms, not a branch of them untried (a part of test)
	$(BIN)/coverage run -m pytest $(PURE_TESTS)
	$(BIN)/coverage report --include='$(PURE_ROOMS)' --fail-under=100 --skip-covered

# These folders run in `make test` as all others do; here they run alone.
SANITISER_TESTS := tests/sanitise tests/costs tests/scan tests/workers tests/journeys

test-sanitiser: setup ## the sanitiser's proof: golden folders, real mail, browser, scanner, workers (a part of test)
	@scripts/debian-packages tests
	$(BIN)/python -m pytest $(SANITISER_TESTS)

COMPILED_TESTS := tests/engines tests/mail tests/seal tests/maildrop tests/net/test_sessions.py tests/journeys \
	tests/workers/test_jobs.py

test-compiled: setup ## the same engines compiled, and whole journeys through them (a part of test)
	@scripts/debian-packages compiled
	@$(MAKE) --no-print-directory fast
	$(FAST)/bin/python -m pytest $(COMPILED_TESTS)

# Its network namespaces need root, or a user namespace in which one is it.
AS_ROOT := $(shell [ "$$(id -u)" -eq 0 ] || echo unshare --user --map-root-user --)

test-i2p: setup ## mail over a private I2P network of real routers (a part of test)
	@scripts/debian-packages i2p
	$(AS_ROOT) $(BIN)/python -m pytest tests/i2p

test-i2p-hops: setup ## the same over several hops and a change of tunnels (twelve minutes, no part of test)
	@scripts/debian-packages i2p
	$(AS_ROOT) $(BIN)/python -m pytest tests/i2p/hops.py

test-internet: setup ## mail to and from an Internet of real servers (a part of test)
	@scripts/debian-packages tests
	$(BIN)/python -m pytest tests/internet

test-portal: setup ## the web pages: in Chromium, in text browsers, with GnuPG (a part of test)
	@scripts/debian-packages tests
	$(BIN)/python -m pytest tests/portal

test-user-side: setup ## what runs on the user's side: news on IRC, the letterbox (a part of test)
	@scripts/debian-packages tests
	$(BIN)/python -m pytest tests/notify tests/letterbox tests/local tests/letters

screenshots: setup ## pictures of every page of the portal and the letterbox into docs/pictures
	@scripts/debian-packages tests
	$(BIN)/python -m tests.portal.screenshots docs/pictures/portal
	$(BIN)/python -m tests.letterbox.screenshots docs/pictures/letterbox

docs: setup ## write the pages and pictures of docs/ that are made from the code
	$(BIN)/python -m eepost.app.reference docs
	$(BIN)/python -m tests.docs.pictures

bench: setup ## measure against Postfix and Dovecot (needs a quiet machine)
	@scripts/debian-packages bench compiled
	@$(MAKE) --no-print-directory fast
	$(FAST)/bin/python -m bench

lock: ## resolve dependencies anew into requirements/*.lock
	@scripts/lock

.PHONY: help setup fast run check test test-pure test-sanitiser test-compiled test-i2p test-i2p-hops test-portal test-user-side screenshots docs bench lock
