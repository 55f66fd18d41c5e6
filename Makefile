# Two commands are enough on a fresh Debian 12 with a Swift toolchain: `make demo` shows what it does, `make test`
# proves it. `make run` serves in the foreground, `make install` builds for release and installs below PREFIX.

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
# The Python of Debian, which is the one that sees python3-redis.
PYTHON ?= /usr/bin/python3
# make run: where the socket and the state go, and further options of jobqd.
RUN_DIR ?= .build/run
ARGS ?=
# make test: one test or suite (a pattern), and how long each group of tests may take. Tests that drive daemons block the
# thread they run on, so they run one after the other: beside each other they would wait for each other's threads.
FILTER ?=
TEST_TIMEOUT ?= 540
RUN_TESTS = timeout $(TEST_TIMEOUT) $(SWIFT) test --skip-build --disable-xctest
# make fuzz: seconds for each target.
FUZZ_SECONDS ?= 600

# Package, or package:command when the command is enough wherever it comes from.
DEPS_BUILD = libhiredis-dev libsystemd-dev
DEPS_RUN = redis-server:redis-server
DEPS_DEMO = socat:socat jq:jq python3
DEPS_TEST = $(DEPS_DEMO) nodejs:node libjansson-dev gcc:cc binutils:readelf
DEPS_BENCH = beanstalkd:beanstalkd python3-redis gcc:cc

# Exclusive access to variables is checked where everything is tested; a release goes without (8 % fewer instructions).
RELEASE = -c release -Xswiftc -enforce-exclusivity=unchecked --static-swift-stdlib --disable-local-rpath -Xlinker -z -Xlinker now

export SWIFT

.PHONY: help demo run test bench fuzz build lint install deps

help:
	@echo 'make demo | run | test | bench | fuzz | build | lint | install [DESTDIR=] [PREFIX=/usr/local]'

build: deps
	.ci/build

run: build
	@mkdir -p $(RUN_DIR)
	@echo 'jobqd serves on $(RUN_DIR)/jobqd.sock; in another terminal:'
	@echo '  export JOBQD_SOCKET=$(CURDIR)/$(RUN_DIR)/jobqd.sock'
	@echo '  .build/debug/jobqctl status'
	@exec .build/debug/jobqd --socket $(RUN_DIR)/jobqd.sock --state-dir $(RUN_DIR)/state $(ARGS)

demo:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_DEMO)
	.ci/build
	.ci/build --package-path examples/swift --scratch-path .build/examples
	@$(PYTHON) examples/demo/demo.py

test:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST)
	.ci/build --build-tests
	.ci/build --package-path examples/swift --scratch-path .build/examples
	.ci/no-foundation .build/debug/jobqd
	@$(MAKE) --no-print-directory lint
ifneq ($(FILTER),)
	$(RUN_TESTS) --no-parallel --filter '$(FILTER)'
else
	$(RUN_TESTS) --filter '^(Wire|Reactor|Redis|Store|Broker|Configuration)Tests'
	$(RUN_TESTS) --no-parallel --filter '^ProtocolTests'
	$(RUN_TESTS) --no-parallel --filter '^CrashTests'
endif

lint:
	$(SWIFT) format lint --strict --recursive Sources Tests examples Benchmarks

bench:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_BENCH)
	.ci/build $(RELEASE) --product jobqd
	@$(PYTHON) Benchmarks/run.py $(ARGS)

fuzz:
	@.ci/deps $(DEPS_BUILD)
	@Tests/Fuzz/run.sh $(FUZZ_SECONDS)

install:
	@.ci/deps $(DEPS_BUILD)
	$(SWIFT) build $(RELEASE) --product jobqd
	$(SWIFT) build $(RELEASE) --product jobqctl
	.ci/no-foundation .build/release/jobqd
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 -s .build/release/jobqd .build/release/jobqctl $(DESTDIR)$(PREFIX)/bin

deps:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN)
