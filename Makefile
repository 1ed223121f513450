# The one entry to building, running and checking the collection: `make` lists the targets.
# It needs git, GNU make and Python 3.11 or newer. All that it makes lies in .venv/ and build/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo leaks fuzz test unit scenarios browser lint lint-python lint-types lint-yaml lint-ansible changelog-lint \
	sanity format lock clean FORCE

# May be set: make test WORKERS=4, make unit ARGS='-k secret', make install PYTHON=python3.13
PYTHON ?= python3
WORKERS ?= 2
ARGS ?=

# An interpreter that was named is the only one tried; the default may be too old, and then a newer one is looked for.
pythons := $(strip $(PYTHON) $(if $(filter file,$(origin PYTHON)),python3.13 python3.12 python3.11))
bin := $(CURDIR)/.venv/bin
collection := ansible_collections/webex_connect/office365
uv := uv==0.13.9

# What git would put into a commit, without files that are deleted but not yet committed; in a copy that came without
# .git, all but what is made here. safe.directory is for a checkout of another user, as in many containers.
made := -name .git -o -name __pycache__ -o -path ./.venv -o -path ./build -o -path ./tests/output -o -name webex-connect-output
files := $(wildcard $(shell git -c safe.directory='$(CURDIR)' ls-files -co --exclude-standard 2>/dev/null || \
	find . \( $(made) \) -prune -o -type f -print | cut -c3-))

# A copy of the collection in the user's own Ansible folder would shadow this one.
export ANSIBLE_HOME := $(CURDIR)/build/ansible
export HYPOTHESIS_STORAGE_DIRECTORY := $(CURDIR)/build/cache/hypothesis
# Ansible refuses to run without UTF-8.
ifneq ($(filter C POSIX,$(LC_ALL)),)
export LC_ALL := C.UTF-8
endif

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s%s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: build/.installed ## make .venv, build the collection and install it under build/collections

demo: build/.installed ## onboard simulated tenants with the installed collection
	$(bin)/python tests/demo.py $(ARGS)

test: build/.installed .venv/.test | build/tree/$(collection) ## run all tests: unit and scenarios
	$(bin)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS) --ignore=tests/browser --ignore=tests/scenarios/test_leaks_everywhere.py tests

unit: .venv/.test | build/tree/$(collection) ## run the tests of the code, without ansible-playbook
	$(bin)/python -m pytest -n $(WORKERS) $(ARGS) tests/unit

# Many more examples of each property, and every wrong value in every field of a reply: minutes.
fuzz: .venv/.test | build/tree/$(collection) ## the unit tests with a long search for input that hurts
	HYPOTHESIS_PROFILE=search $(bin)/python -m pytest -n $(WORKERS) $(ARGS) tests/unit

scenarios: build/.installed .venv/.test | build/tree/$(collection) ## run playbooks of the installed collection against a simulated tenant
	$(bin)/python -m pytest -n $(WORKERS) --dist worksteal --ignore=tests/scenarios/test_leaks_everywhere.py $(ARGS) tests/scenarios

# It installs no browser: apt-get install chromium chromium-driver
browser: .venv/.test | build/tree/$(collection) ## open a report in headless Chromium; its pictures are in build/browser
	$(bin)/python -m pytest $(ARGS) tests/browser

# It takes many minutes, so it is run by itself; scenarios have a short one of the same kind.
leaks: build/.installed .venv/.test | build/tree/$(collection) ## look for secrets in all that every playbook and module shows and leaves
	$(bin)/python -m pytest -n $(WORKERS) $(ARGS) tests/scenarios/test_leaks_everywhere.py

lint: lint-python lint-types lint-yaml lint-ansible changelog-lint ## run ruff, mypy, yamllint, ansible-lint and the changelog's check

lint-python: .venv/.lint
	$(bin)/ruff check .
	$(bin)/ruff format --check .

lint-types: .venv/.lint | build/tree/$(collection)
	$(bin)/mypy

lint-yaml: .venv/.lint
	$(bin)/yamllint --strict .

lint-ansible: .venv/.lint build/files
	$(call copy,build/lint/$(collection))
	cd build/lint/$(collection) && \
		PATH=$(bin):$$PATH ANSIBLE_HOME=$(CURDIR)/build/lint-home \
		ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/build/lint ansible-lint

changelog-lint: .venv/.lint ## check the changelog's fragments
	$(bin)/antsibull-changelog lint

# Its own home: the stand-in for get-pip shall not meet the user's other projects. Settings of pip still count.
sanity: home := $(CURDIR)/build/sanity-home
sanity: .venv/.run build/files ## run ansible-test sanity on a clean copy
	$(call copy,build/sanity/$(collection))
	mkdir -p $(home)/.ansible/test/cache
	for folder in .config .cache .pip; do ln -sfn ~/$$folder $(home)/$$folder; done
	for release in 24_2 25_2; do cp scripts/get_pip.py $(home)/.ansible/test/cache/get_pip_$$release.py; done
	cd build/sanity/$(collection) && HOME=$(home) PATH=$(bin):$$PATH ansible-test sanity --venv \
		--python $$($(bin)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') $(ARGS)

format: .venv/.lint ## rewrite the Python files as `make lint` wants them
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

lock: build/uv ## raise the pinned versions in requirements/
	@before=; for name in run test lint; do \
		build/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --custom-compile-command 'make lock' $${before:+-c $$before} \
			requirements/$$name.in -o requirements/$$name.txt; \
		before=requirements/$$name.txt; \
	done

clean: ## remove all that the Makefile made
	rm -rf build .venv

# $(1) becomes a copy of this checkout without anything that git does not list. It is a repository of its own,
# because to a tool that asks git, it would otherwise be an ignored folder of this one: nothing to look at.
define copy
@rm -rf $(1) && mkdir -p $(1) && tar -cf - -T build/files | tar -xof - -C $(1) && git init -q $(1)
endef

.venv/.created:
	@for python in $(pythons); do \
		if "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "making .venv with $$("$$python" --version)"; \
			"$$python" -m venv --clear .venv; \
			touch $@; \
			exit 0; \
		fi; \
	done; \
	echo "Python 3.11 or newer with venv and ensurepip is needed, and none of these is: $(pythons)." >&2; \
	echo "Name one: make PYTHON=/path/to/python" >&2; \
	exit 1

# Each lock holds all of the one before it, in the same versions.
.venv/.run: .venv/.created
.venv/.test: .venv/.run
.venv/.lint: .venv/.test
.venv/.run .venv/.test .venv/.lint: .venv/.%: requirements/%.txt
	$(bin)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

build/uv:
	$(PYTHON) -m venv $@
	$@/bin/python -m pip --disable-pip-version-check install --quiet $(uv)

# The list is rewritten only if it changed, so that a file that went away leads to a new build as well.
build/files: FORCE
	$(if $(files),,$(error git lists no files here: is this an ignored folder of another repository?))
	@mkdir -p $(@D)
	@printf '%s\n' $(files) > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# Built from a copy, because ansible-galaxy does not read .gitignore; tests are not a part of what is built.
build/.installed: build/files $(filter-out tests/%,$(files)) | .venv/.run
	$(call copy,build/stage/$(collection))
	rm -rf build/dist build/collections
	$(bin)/ansible-galaxy collection build --output-path build/dist build/stage/$(collection)
	ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/build/collections \
		$(bin)/ansible-galaxy collection install --force --offline -p build/collections build/dist/*.tar.gz
	@touch $@

# Makes this checkout importable under the collection's full name.
build/tree/$(collection):
	@mkdir -p $(@D)
	ln -sfn ../../../.. $@
