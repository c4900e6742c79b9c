# Everything that a newcomer or a developer types. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help setup plugins build engine run test contract bench fmt lint clean

# Fixed, because what is built is named in configurations and in README.md.
export CARGO_TARGET_DIR := $(CURDIR)/target

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

setup: ## Install what building, running and testing need (Debian), once
	@.ci/setup test

plugins: ## Build the plugins: target/plugins/*.wasm
	@.ci/setup build
	sdk/build/plugins.sh

build: plugins ## Build the host too: target/release/isocenter; Postgres, which it keeps its index in, is installed where missing
	@.ci/setup run
	cargo build --locked --release --package isocenter-host

engine: ## Build the inference engine: target/release/libisocenter_engine_onnx.so
	@.ci/setup build
	cargo build --locked --release --package isocenter-engine-onnx

run: ## Build, start a host on this machine with sample studies, say what to try; Ctrl-C stops it
	@.ci/setup run
	@$(MAKE) --no-print-directory build
	@host/server/run.sh

test: ## Run every test
	@.ci/test

contract: ## Compare the plugin contract with the one that was released last
	@cargo run --locked --quiet --package isocenter-contract -- plugin-api/released plugin-api/wit

bench: plugins ## Measure ingest beside the machine's limits and Orthanc, and what plugins cost; ARGS="--help" for options
	@.ci/setup run
	cargo build --locked --release --package isocenter-host --package isocenter-bench
	target/release/isocenter-bench $(ARGS)

fmt: ## Format
	cargo fmt --all

lint: ## What .ci/run asks besides tests
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

clean: ## Remove what was built; the data folder stays
	cargo clean
