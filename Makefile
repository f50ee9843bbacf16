# The commands of this repository. `make demo` and `make test` each work as the first one.
.DEFAULT_GOAL := build
.PHONY: setup build install dist demo test lint format verify fuzz bench docs contracts picture clean

setup: ## install what is missing from Debian or Homebrew
	@scripts/setup

build: setup ## release build: one executable, bin/shipit
	@scripts/build

install: build ## bin/shipit into PREFIX/bin, by default ~/.local/bin or /usr/local/bin
	@scripts/install

dist: build ## dist/: the executable as an archive, with SHA256SUMS
	@scripts/dist

demo: build ## three platforms and a database, six deploys, a rollback and a feature that breaks, against the offline twin; two minutes
	@scripts/demo

test: setup ## every test except the long sweeps
	@scripts/test

lint: setup ## formatting, imports, forbidden words, paths, length
	@scripts/lint

format: ## lay out the Swift files
	@swift format -i -p -r Package.swift Sources Tests

verify: setup build ## simulation, long sweeps and sanitizers; writes the table of docs/verification.md
	@scripts/verify

fuzz: setup ## made-up inputs for every reader of other people's texts, a minute each; scripts/fuzz 3600 for an hour
	@scripts/fuzz

bench: build ## against floors in C, make and Terraform: start, graphs, plans, rooms; writes docs/benchmarks.md
	@scripts/build RoomBench
	@bench/run

docs: build ## write the generated documents anew
	@scripts/embed
	@bin/shipit schema > docs/environment.schema.json
	@scripts/check-imports --write

picture: build ## make docs/images/deploy.svg from a real run of the demo
	@scripts/terminal-picture --title 'shipit deploy demo' --at-text 'wait: prove web dark' --from 'deploy demo demo ·' --output docs/images/deploy.svg -- scripts/demo

contracts: ## how to get the platform contracts that some tests compare with
	@cat docs/contracts.txt

clean: ## remove everything built
	rm -rf .build build bin dist
