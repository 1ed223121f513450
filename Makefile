# The one entry to building, running and checking the collection: `make` lists the targets.
# It needs git, GNU make and Python 3.11 or newer. All that it makes lies in .venv/ and build/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install execution-environment awx runner demo bench leaks faults mutants fuzz test unit lives scenarios core test-newest core-newest unit-newest scenarios-newest sanity-newest browser \
	lint lint-python lint-types lint-yaml lint-ansible changelog-lint \
	sanity docs docs-lint galaxy-check molecule notes changelog release-check format lock clean FORCE

# May be set: make test WORKERS=4, make unit ARGS='-k secret', make install PYTHON=python3.13
PYTHON ?= python3
WORKERS ?= 2
ARGS ?=

# An interpreter that was named is the only one tried; the default may be too old, and then a newer one is looked for.
pythons := $(strip $(PYTHON) $(if $(filter file,$(origin PYTHON)),python3.13 python3.12 python3.11))
# Where the tools are installed. The targets for the newest Python have a place of their own, build/newest.
VENV := .venv
NEWEST ?=
pyenv := $(shell pyenv root 2>/dev/null || echo $(HOME)/.pyenv)
newest_pythons = $(or $(NEWEST),$(foreach version,3.13 3.14 3.12,python$(version) \
	$(lastword $(sort $(wildcard $(pyenv)/versions/$(version).*/bin/python)))))
stars := ***************************************************************************************************

bin := $(CURDIR)/$(VENV)/bin
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
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-24s%s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: build/.installed ## make .venv, build the collection and install it under build/collections

demo: build/.installed ## onboard simulated tenants with the installed collection
	$(bin)/python tests/demo.py $(ARGS)

test: build/.installed $(VENV)/.test | build/tree/$(collection) ## run all tests: unit, lives and scenarios
	$(bin)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS) --ignore=tests/browser --ignore=tests/scenarios/test_leaks_everywhere.py tests

unit: $(VENV)/.test | build/tree/$(collection) ## run the tests of the code, without ansible-playbook
	$(bin)/python -m pytest -n $(WORKERS) $(ARGS) tests/unit

lives: $(VENV)/.test | build/tree/$(collection) ## strike a tenant's and a secret's whole life at every single moment
	$(bin)/python -m pytest -n $(WORKERS) $(ARGS) tests/lives

# Many more examples of each property, and every wrong value in every field of a reply: minutes.
fuzz: $(VENV)/.test | build/tree/$(collection) ## the unit tests with a long search for input that hurts
	HYPOTHESIS_PROFILE=search $(bin)/python -m pytest -n $(WORKERS) $(ARGS) tests/unit

scenarios: build/.installed $(VENV)/.test | build/tree/$(collection) ## run playbooks of the installed collection against a simulated tenant
	$(bin)/python -m pytest -n $(WORKERS) --dist worksteal --ignore=tests/scenarios/test_leaks_everywhere.py $(ARGS) tests/scenarios

# Parts of make test by their names, for whoever works on one of them.
execution-environment awx runner: build/.installed $(VENV)/.test | build/tree/$(collection)
execution-environment: ## let ansible-builder read the execution environment and what the collection needs in it
	$(bin)/python -m pytest $(ARGS) tests/scenarios/test_execution_environment.py
awx: ## hold the data of awx/ against what AWX takes, and play it with stand-ins
	$(bin)/python -m pytest $(ARGS) tests/unit/test_awx.py tests/scenarios/test_awx.py
runner: ## run every playbook by ansible-runner, as AWX does
	$(bin)/python -m pytest -n $(WORKERS) $(ARGS) tests/scenarios/test_runner.py

# It installs no browser: apt-get install chromium chromium-driver
browser: $(VENV)/.test | build/tree/$(collection) ## open a report in headless Chromium; its pictures are in build/browser
	$(bin)/python -m pytest $(ARGS) tests/browser

# It takes many minutes, so it is run by itself; scenarios have a short one of the same kind.
leaks: build/.installed $(VENV)/.test | build/tree/$(collection) ## look for secrets in all that every playbook and module shows and leaves
	$(bin)/python -m pytest -n $(WORKERS) $(ARGS) tests/scenarios/test_leaks_everywhere.py

# About 2600 runs; ARGS='--one-in 20' or ARGS='--only "onboard.*claims"' tries a part of them. A sample is in make scenarios.
faults: build/.installed $(VENV)/.test ## meet every request of onboarding, rotation and offboarding with every fault, and kill fifty onboardings
	cd tests && $(bin)/python -m faults --workers $(WORKERS) $(ARGS)
	KILLS=50 $(bin)/python -m pytest -n $(WORKERS) -k killed tests/scenarios/test_interrupted.py

mutants: $(VENV)/.test ## put faults into a copy of planners and transport, one at a time: the test named for each has to catch it
	$(bin)/python tests/mutants.py $(ARGS)

core: build/.installed $(VENV)/.test | build/tree/$(collection) ## run the unit tests and those scenarios that depend on ansible-core
	$(bin)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS) tests/unit
	$(bin)/python -m pytest -n $(WORKERS) --dist worksteal -m core $(ARGS) tests/scenarios

# In a copy, because Molecule keeps its own files beside the scenarios.
molecule: build/.installed $(VENV)/.tools ## onboard and audit simulated tenants with Molecule
	$(call copy,build/molecule)
	cd build/molecule/extensions && PATH=$(bin):$$PATH ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/build/collections \
		molecule --base-config molecule/base.yml test --scenario-name onboard --scenario-name audit $(ARGS)

# Python 3.12 and later take the newest ansible-core. Without one, it says so and lets the rest go on.
test-newest: ## the same on the newest ansible-core; so do core-newest, unit-newest, scenarios-newest and sanity-newest
test-newest core-newest unit-newest scenarios-newest sanity-newest: %-newest:
	@for python in $(newest_pythons); do \
		if "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then \
			exec $(MAKE) --no-print-directory VENV=build/newest PYTHON="$$python" $*; \
		fi; \
	done; \
	printf '%s\n' '' '$(stars)' 'NOT TESTED on the newest ansible-core: it needs Python 3.12 or newer, and none of these is:' \
		$(newest_pythons) 'Name one: make $@ NEWEST=/path/to/python' '$(stars)' '' >&2

# Without what it is compared with, which is two gigabytes, the rest is still measured.
bench: build/.installed | build/tree/$(collection) ## measure speed, next to modules that do nothing and to azure.azcollection; forty minutes
	-@$(MAKE) --no-print-directory build/bench-tools/.made
	PYTHONPATH=$(CURDIR)/tests:$(CURDIR)/build/tree $(bin)/python -m bench $(ARGS)

lint: lint-python lint-types lint-yaml lint-ansible changelog-lint ## run ruff, mypy, yamllint, ansible-lint and the changelog's check

lint-python: $(VENV)/.lint
	$(bin)/ruff check .
	$(bin)/ruff format --check .

lint-types: $(VENV)/.lint | build/tree/$(collection)
	$(bin)/mypy

lint-yaml: $(VENV)/.lint
	$(bin)/yamllint --strict .

lint-ansible: $(VENV)/.lint build/files
	$(call copy,build/lint/$(collection))
	cd build/lint/$(collection) && \
		PATH=$(bin):$$PATH ANSIBLE_HOME=$(CURDIR)/build/lint-home \
		ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/build/lint ansible-lint

changelog-lint: $(VENV)/.lint ## check the changelog's fragments
	$(bin)/antsibull-changelog lint

# In a copy, because antsibull-changelog copies all that lies in a folder.
notes: $(VENV)/.lint build/files
	$(call copy,build/release/$(collection))
	PATH=$(bin):$$PATH $(bin)/python scripts/changelog.py build/release/$(collection)

changelog: notes ## make the notes of the version in galaxy.yml out of the fragments
	cp build/release/$(collection)/CHANGELOG.rst .
	cp build/release/$(collection)/changelogs/changelog.yaml changelogs

release-check: build/.installed notes ## look at the version, the changelog and the archive; make the notes anew in a copy
	$(bin)/python scripts/release_check.py $(CURDIR) build/dist/*.tar.gz build/release/$(collection)

# On what users install, so that nothing else counts. Its own home: the stand-in for get-pip shall not meet the user's
# other projects. Settings of pip still count.
sanity: home := $(CURDIR)/build/sanity-home
sanity: build/.installed ## run ansible-test sanity on the built collection
	rm -rf build/sanity && mkdir -p build/sanity/$(collection)
	tar -xzf build/dist/*.tar.gz -C build/sanity/$(collection)
	git init -q build/sanity/$(collection) && echo /tests/output/ >build/sanity/$(collection)/.git/info/exclude
	mkdir -p $(home)/.ansible/test/cache
	for folder in .config .cache .pip; do if [ -e ~/$$folder ]; then ln -sfn ~/$$folder $(home)/$$folder; fi; done
	for release in 24_2 25_2; do cp scripts/get_pip.py $(home)/.ansible/test/cache/get_pip_$$release.py; done
	cd build/sanity/$(collection) && HOME=$(home) PATH=$(bin):$$PATH ansible-test sanity --venv \
		--python $$($(bin)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') $(ARGS)

# Both read the installed collection, by the full names that users see.
documented := PATH=$(bin):$$PATH ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/build/collections

docs-lint: build/.installed $(VENV)/.lint ## check the documentation of modules and roles, and the guides
	$(documented) antsibull-docs lint-collection-docs --plugin-docs --check-extra-docs-refs \
		--validate-collection-refs dependent --disallow-unknown-collection-refs build/collections/$(collection)

# What other sites define is on the network: none is asked, and the three labels of Ansible's own pages stay plain text.
elsewhere := ansible_configuration_settings action_plugins common_return_values
docs: build/.installed $(VENV)/.tools ## build the documentation site, build/docs/index.html; no warning is let pass
	rm -rf build/docs build/docs-source && mkdir -p -m 0755 build/docs-source
	$(documented) antsibull-docs sphinx-init --use-current --squash-hierarchy --fail-on-error --sphinx-theme sphinx_ansible_theme \
		--project webex_connect.office365 --title webex_connect.office365 --copyright 'its contributors' \
		--dest-dir build/docs-source webex_connect.office365
	printf '%s\n' 'intersphinx_mapping = {}' 'nitpick_ignore = [("std:ref", label) for label in "$(elsewhere)".split()]' \
		>>build/docs-source/conf.py
	mkdir build/docs-source/looks && echo '.wy-menu a { overflow-wrap: anywhere }' >build/docs-source/looks/names.css
	echo 'html_static_path, html_css_files = ["looks"], ["names.css"]  # long names of modules stay inside the list' >>build/docs-source/conf.py
	sed -i 's/-M html rst build/rst ..\/docs/' build/docs-source/build.sh
	$(documented) build/docs-source/build.sh

# The importer ends well even where it warns, so that its warnings are looked for. Its ansible-lint is weaker than ours.
galaxy-check: build/.installed $(VENV)/.tools ## import the built collection as Ansible Galaxy does
	rm -rf build/galaxy && mkdir -p build/galaxy
	cd build/galaxy && PATH=$(bin):$$PATH GALAXY_IMPORTER_CHECK_REQUIRED_TAGS=true GALAXY_IMPORTER_RUN_ANSIBLE_LINT=false \
		$(bin)/python -m galaxy_importer.main $(CURDIR)/build/dist/*.tar.gz 2>&1 | tee importer.log
	! grep -E '^(WARNING|ERROR|CRITICAL)' build/galaxy/importer.log
	test -s build/galaxy/importer_result.json

format: $(VENV)/.lint ## rewrite the Python files as `make lint` wants them
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

lock: build/uv ## raise the pinned versions in requirements/
	@before=; for name in run test lint tools; do \
		build/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --custom-compile-command 'make lock' $${before:+-c $$before} \
			requirements/$$name.in -o requirements/$$name.txt; \
		before=requirements/$$name.txt; \
	done
	@build/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command 'make lock' requirements/bench.in -o requirements/bench.txt

clean: ## remove all that the Makefile made
	rm -rf build .venv

# $(1) becomes a copy of this checkout without anything that git does not list. It is a repository of its own,
# because to a tool that asks git, it would otherwise be an ignored folder of this one: nothing to look at.
define copy
@rm -rf $(1) && mkdir -p $(1) && tar -cf - -T build/files | tar -xof - -C $(1) && git init -q $(1)
endef

$(VENV)/.created:
	@for python in $(pythons); do \
		if "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "making $(VENV) with $$("$$python" --version)"; \
			"$$python" -m venv --clear $(VENV); \
			touch $@; \
			exit 0; \
		fi; \
	done; \
	echo "Python 3.11 or newer with venv and ensurepip is needed, and none of these is: $(pythons)." >&2; \
	echo "Name one: make PYTHON=/path/to/python" >&2; \
	exit 1

# Each lock holds all of the one before it, in the same versions.
$(VENV)/.run: $(VENV)/.created
$(VENV)/.test: $(VENV)/.run
$(VENV)/.lint: $(VENV)/.test
$(VENV)/.tools: $(VENV)/.lint
$(VENV)/.run $(VENV)/.test $(VENV)/.lint $(VENV)/.tools: $(VENV)/.%: requirements/%.txt
	$(bin)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

build/bench-tools/.made: requirements/bench.txt | $(VENV)/.created
	$(bin)/python -m venv --clear $(@D)
	$(@D)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
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
build/.installed: build/files $(filter-out tests/%,$(files)) | $(VENV)/.run
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
