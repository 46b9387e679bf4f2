# The doors of this repository. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

CACHE ?= $(or $(STUDIOUS_CACHE),$(HOME)/.cache/studious)
STUDIOUS := target/release/studious
VENV := .venv

.PHONY: help demo test test-fast check t lint ui-dev faults bench bench-cluster bench-search figures web release venv crds

help: ## list these doors
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: release venv ## train the digits study here and open its report's path
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" JAX_COMPILATION_CACHE_DIR="$(CACHE)/jax" $(STUDIOUS) run examples/digits/study.yaml

test: test-fast ## every test, a real cluster included (needs root, or E2E_USE_CURRENT_CONTEXT=1)
	e2e/run.sh

test-fast: lint web ## every test that needs no cluster
	cargo test --locked
	# What cargo has just built, so that the browser's tests build nothing again.
	STUDIOUS="$(CURDIR)/target/debug/studious" BIG_RUN="$(CURDIR)/target/debug/examples/big_run" operator/dashboard/web/test.sh
	STUDIOUS_BINARY="$(CURDIR)/target/debug/studious" trainer-image/test.sh
	docs/check-playbook.py
	docs/check-attribution.py
	docs/check-threat-model.py
	docs/check-links.py

lint: ## formatting, clippy pedantic, ruff, mypy, shellcheck, licences
	./prerequisites.sh lint
	cargo fmt --check
	cargo clippy --workspace --all-targets --features studious-e2e/cluster --locked -- -D warnings
	e2e/lint.sh

check: ## formatting and lints of what has changed since the last commit (BASE=main: since it left main)
	./check.sh "$(BASE)"

t: ## run the tests whose names hold T: make t T=boundary
	./check.sh --test "$(T)"

ui-dev: ## the dashboard from its sources, before a running `studious ui`: make ui-dev LINK='http://127.0.0.1:…/?token=…'
	./prerequisites.sh web
	cd operator/dashboard/web && { [ -e node_modules/.package-lock.json ] || npm ci --no-audit --no-fund; } && node dev.mjs "$(LINK)"

faults: ## kill, cut off and fill what a study of 60 trials stands on, on a real Kubernetes here (KILLS=100 SEED=7)
	SEED="$(SEED)" KILLS="$(KILLS)" e2e/faults.sh

bench: ## benchmarks, each against a floor or a peer in the same run
	cargo bench --locked -p studious-playbook --bench repeated

bench-cluster: ## what a trial costs on the cluster of `make cluster`, against bare Jobs (TRIALS=60 TURNS=3)
	TRIALS="$(TRIALS)" TURNS="$(TURNS)" e2e/pace.sh

bench-search: release ## compare the search with Vizier's, Optuna's and scipy's (hours; SEARCH="--seeds 1 --methods tpe" for less)
	bench/run.sh $(SEARCH)

figures: release venv ## the playbook's figures from real trainings: draws docs/figures.md's, trains what is missing
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" JAX_COMPILATION_CACHE_DIR="$(CACHE)/jax" examples/playbook-figures/figures.sh

release: web
	./prerequisites.sh demo
	cargo build --release --locked -p studious
	ln -sf studious target/release/kubectl-study

# The report's JavaScript. Cargo's build script makes it too; here it is made first so that its output is seen.
web: operator/dashboard/web/dist/report.js

operator/dashboard/web/dist/report.js: $(wildcard operator/dashboard/web/src/*) operator/dashboard/web/package-lock.json
	./prerequisites.sh web
	cd operator/dashboard/web && npm ci --no-audit --no-fund && npm run build

venv: $(VENV)/installed

$(VENV)/installed: trainer-image/pyproject.toml $(shell find trainer-image/src -name '*.py')
	./prerequisites.sh python
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint trainer-image/requirements/cpu.txt './trainer-image[jax]'
	touch $@

crds: ## write crds/generated and the chart's copies from the Rust types
	cargo run -q -p studious -- crds --out crds/generated
	cp crds/generated/*.yaml charts/studious/files/crds/

include e2e/cluster/cluster.mk
