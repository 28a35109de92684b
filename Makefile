# Berth: what a person types. Each target is a script of scripts/, which says what it does.
# Settings are given in the environment, on this command line (make up BERTH_HTTP_PORT=8088), or in .env.

.DEFAULT_GOAL := help
.PHONY: help up down remove test check bench soak fmt passwd install release

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

up: ## set everything up, start it, deploy the example; safe to run again
	@scripts/up

down: ## stop the stack and its apps, keep the data
	@scripts/down

remove: ## remove the stack, its apps and ALL THEIR DATA; asks first
	@scripts/remove

test: ## all tests, on a real engine, proxy and browser; sets up what it needs
	@scripts/test

check: ## lint and fast tests, under a minute
	@scripts/check

bench: ## measure Berth against the engine by hand, as ratios
	@scripts/bench

soak: ## kill Berth at every call to the engine, restore 2 GB elsewhere; hours
	@scripts/soak

fmt: ## format the code
	@scripts/tools go
	@git ls-files --cached --others --exclude-standard '*.go' | xargs .cache/bin/gofumpt -w

passwd: ## replace the operator's password by a new one-time password
	@scripts/passwd

install: ## build the command line and put it on the PATH
	@PREFIX="$(PREFIX)" scripts/install

release: ## build the command line for every system, with signed checksums
	@VERSION="$(VERSION)" SIGNING_KEY="$(SIGNING_KEY)" scripts/release
