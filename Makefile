PYTHON ?= python3
RUN := $(PYTHON) devstack/bootstrap.py --
DEV := $(PYTHON) devstack/bootstrap.py --dev --
COMPILE := .venv/bin/uv pip compile --quiet --no-annotate --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: up test check fix purchase flask bench migration openapi configuration lock help

up: ## Start the whole shop here until Ctrl-C (PORT, FLOWER_PORT, MAIL_PORT, PSP_PORT, VERBOSE=1)
	@$(RUN) -m devstack.up

test: ## Run the tests on servers of their own (T=tests/orders for some of them)
ifdef T
	@$(DEV) -m pytest $(T)
else
	@$(DEV) -m tests
endif

check: ## What CI runs: lint, format, types, import contracts, then all tests
	@$(DEV) -m ruff check .
	@$(DEV) -m ruff format --check .
	@$(DEV) -m mypy
	@$(DEV) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	@$(MAKE) --no-print-directory test

fix: ## Mend what can be mended by machine: lint and format
	@$(DEV) -m ruff check --fix .
	@$(DEV) -m ruff format .

purchase: ## Walk an order down its whole road in a running `make up`: buy, ship, deliver, refund, told step by step
	@$(RUN) -m devstack.purchase

flask: ## A command of the shop beside a running `make up`: make flask A="audit" · A="trace 100001"
	@$(RUN) -m devstack.run flask --app wsgi $(A)

bench: ## Measure what the shop can carry, each figure beside its floor
	@$(DEV) -m bench

migration: ## Write a migration from the models: make migration M="add a note to orders"
	@$(RUN) -m devstack.migration "$(M)"

openapi: ## Write docs/api/openapi.json anew from the routes
	@$(RUN) -m devstack.openapi

configuration: ## Write docs/configuration.md anew from the settings
	@$(RUN) -m devstack.configuration

lock: ## Pin the requirements anew from requirements*.in
	@$(DEV) -c pass
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) requirements-devstack.in -o requirements-devstack.txt
	@$(COMPILE) requirements-dev.in -o requirements-dev.txt

help: ## List these targets
	@grep -E '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'
