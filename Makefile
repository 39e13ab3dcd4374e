# Four commands: setup, check, test, demo. Without make: bash scripts/<name>.sh does the same.
.PHONY: help setup check test demo lock clean
.DEFAULT_GOAL := help

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

setup: ## Install everything that running Mogplex needs
	@bash scripts/setup.sh

check: ## Style, types, direction of imports
	@bash scripts/check.sh

test: ## Set up, check, and run all tests
	@bash scripts/test.sh

demo: ## Mend a small repo with the real server, worker and command line
	@bash scripts/demo.sh

lock: ## Resolve the dependencies again (needs uv; add UPGRADE=--upgrade for newer versions)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev \
		$(UPGRADE) -o requirements.lock pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--no-deps --group harnesses -o requirements-harnesses.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--extra mcp --extra otel --extra s3 --group image -c requirements.lock -o deploy/requirements.lock pyproject.toml

clean: ## Remove everything that setup, checks and tests made
	rm -rf .venv .setup-lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
