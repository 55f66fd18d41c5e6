# Two commands are enough on a fresh Debian 12 with a Swift toolchain: `make demo` shows what it does, `make test`
# proves it. `make run` serves in the foreground, `make install` builds for release and installs below PREFIX.

SWIFT ?= swift
# make install: where to. A unit file is found below /usr/local too; a package sets PREFIX=/usr.
PREFIX ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc
LIBDIR = $(PREFIX)/lib
UNITDIR ?= $(if $(filter /usr,$(PREFIX)),$(or $(shell pkg-config --variable=systemdsystemunitdir systemd 2>/dev/null),/lib/systemd/system),$(LIBDIR)/systemd/system)
PRESETDIR ?= $(UNITDIR)-preset
SYSUSERSDIR ?= $(LIBDIR)/sysusers.d
TMPFILESDIR ?= $(LIBDIR)/tmpfiles.d
# journald has one place for catalogs only.
CATALOGDIR ?= /usr/lib/systemd/catalog
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/jobqd
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
# The Python of Debian, which is the one that sees python3-redis.
PYTHON ?= /usr/bin/python3
# make run: where the socket and the state go, and further options of jobqd.
RUN_DIR ?= .build/run
ARGS ?=
# make test: one test or suite (a pattern), and how long each group of tests may take. Tests that drive daemons block the
# thread they run on, so they run one after the other: beside each other they would wait for each other's threads.
FILTER ?=
TEST_TIMEOUT ?= 900
RUN_TESTS = timeout $(TEST_TIMEOUT) $(SWIFT) test --skip-build --disable-xctest
# make fuzz: seconds for each target.
FUZZ_SECONDS ?= 600

# Package, or package:command when the command is enough wherever it comes from.
DEPS_BUILD = libhiredis-dev libsystemd-dev
DEPS_RUN = redis-server:redis-server
DEPS_DEMO = socat:socat jq:jq python3
DEPS_TEST = $(DEPS_DEMO) nodejs:node libjansson-dev gcc:cc binutils:readelf prometheus:promtool mandoc:mandoc zsh:zsh fish:fish
DEPS_DEB = dpkg-dev:dpkg-shlibdeps lintian:lintian
DEPS_SYSTEM = systemd systemd-container:systemd-nspawn dbus:dbus-daemon python3 binutils:readelf
DEPS_BENCH = beanstalkd:beanstalkd python3-redis gcc:cc

# Exclusive access to variables is checked where everything is tested; a release goes without (8 % fewer instructions).
# In a place of its own, so that it can be built while tests hold the lock of .build.
RELEASE_DIR = .build/optimized
RELEASE_LOG = .build/optimized.log
RELEASE = --scratch-path $(RELEASE_DIR) -c release -Xswiftc -enforce-exclusivity=unchecked \
  --static-swift-stdlib --disable-local-rpath -Xlinker -z -Xlinker now

export SWIFT

.PHONY: help demo run test test-system bench attacks fuzz build lint release install install-files uninstall deb deps

help:
	@echo 'make demo | run | test | test-system | bench | attacks | fuzz | build | lint | deb'
	@echo 'make install | uninstall [DESTDIR=] [PREFIX=/usr/local] [SYSCONFDIR=/etc] [UNITDIR=]'

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
	$(RUN_TESTS) --filter '^(Wire|Reactor|Redis|Store|Broker|JobqClient|Configuration)Tests'
	@# Tests that mostly wait for each other; the build for release, which the package needs, goes on beside them.
	@nice make --no-print-directory release > $(RELEASE_LOG) 2>&1 & release=$$!; \
	  $(RUN_TESTS) --no-parallel --filter '^(Protocol|Manual)Tests'; status=$$?; \
	  wait $$release || { cat $(RELEASE_LOG); status=1; }; exit $$status
	$(RUN_TESTS) --no-parallel --filter '^CrashTests'
	@$(MAKE) --no-print-directory test-system
endif

lint:
	$(SWIFT) format lint --strict --recursive Sources Tests examples Benchmarks

bench:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_BENCH)
	.ci/build $(RELEASE) --product jobqd
	@$(PYTHON) Benchmarks/run.py $(ARGS)

# What one client can do to all others, with figures; fails when a bound is broken. Needs an idle machine.
attacks:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) python3
	.ci/build $(RELEASE) --product jobqd
	@ulimit -n 20000; $(PYTHON) Benchmarks/attacks.py $(ARGS)

fuzz:
	@.ci/deps $(DEPS_BUILD)
	@Tests/Fuzz/run.sh $(FUZZ_SECONDS)

install: release install-files
	@[ -n "$(DESTDIR)" ] || echo 'Now: systemd-sysusers; systemd-tmpfiles --create jobqd.conf; journalctl --update-catalog;' \
	  'systemctl daemon-reload; systemctl enable --now jobqd.service'

release:
	@.ci/deps $(DEPS_BUILD)
	$(SWIFT) build $(RELEASE) --product jobqd
	$(SWIFT) build $(RELEASE) --product jobqctl
	.ci/no-foundation $(RELEASE_DIR)/release/jobqd

# The one list of what is installed, for people and for the package. An existing configuration is kept.
UNITS = $(wildcard systemd/*.service systemd/*.socket systemd/*.target)
# A pause before a restart that grows while it is of no use, where systemd has that.
SYSTEMD_VERSION ?= $(shell systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
GROWING_PAUSE = $(if $(shell [ "0$(SYSTEMD_VERSION)" -ge 254 ] && echo yes),-e 's|^RestartSec=.*|&\nRestartSteps=6\nRestartMaxDelaySec=60s|')
put = install -D -m $(3) $(1) $(DESTDIR)$(2)
fill = install -d $(DESTDIR)$(2) && install -m 644 $(1) $(DESTDIR)$(2)
install-files:
	$(call put,-s $(RELEASE_DIR)/release/jobqd,$(PREFIX)/bin/jobqd,755)
	$(call put,-s $(RELEASE_DIR)/release/jobqctl,$(PREFIX)/bin/jobqctl,755)
	$(call fill,$(UNITS),$(UNITDIR))
	sed -i -e 's|/usr/bin/|$(PREFIX)/bin/|' -e 's|/usr/lib/jobqd/|$(LIBDIR)/jobqd/|' -e 's|/etc/jobqd/|$(SYSCONFDIR)/jobqd/|' $(GROWING_PAUSE) \
	  $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITS)))
	$(call put,systemd/after-stop,$(LIBDIR)/jobqd/after-stop,755)
	$(call put,systemd/jobqd.preset,$(PRESETDIR)/80-jobqd.preset,644)
	$(call put,systemd/jobqd.sysusers,$(SYSUSERSDIR)/jobqd.conf,644)
	$(call put,systemd/jobqd.tmpfiles,$(TMPFILESDIR)/jobqd.conf,644)
	$(foreach file,$(wildcard systemd/*.catalog),$(call put,$(file),$(CATALOGDIR)/$(notdir $(file)),644) &&) :
	$(foreach file,$(wildcard man/*.[1-8]),$(call put,$(file),$(MANDIR)/man$(subst .,,$(suffix $(file)))/$(notdir $(file)),644) &&) :
	set -e; for shell in bash,$(BASHDIR)/jobqctl zsh,$(ZSHDIR)/_jobqctl fish,$(FISHDIR)/jobqctl.fish; do \
	  file=$(DESTDIR)$${shell#*,}; install -D -m 644 /dev/null $$file; \
	  $(RELEASE_DIR)/release/jobqctl --generate-completion-script $${shell%%,*} > $$file; sed -i '1{/^#!/d}' $$file; done
	install -d $(DESTDIR)$(SYSCONFDIR)/jobqd/jobqd.conf.d
	set -e; file=$(DESTDIR)$(SYSCONFDIR)/jobqd/jobqd.conf; [ ! -e $$file ] || exit 0; \
	  .ci/default-configuration $(RELEASE_DIR)/release/jobqd > $$file; chmod 644 $$file
	$(call fill,README.md CHANGELOG.md LICENSE,$(DOCDIR))
	$(call fill,examples/worker.* systemd/unix-redis.conf,$(DOCDIR)/examples)
	$(if $(wildcard examples/monitoring),$(call fill,$(wildcard examples/monitoring/*),$(DOCDIR)/examples/monitoring))

# Takes away what `install` puts, but for the configuration and the state.
uninstall:
	@set -e; list=$$(mktemp -d); $(MAKE) -s install-files DESTDIR=$$list PREFIX=$(PREFIX) >/dev/null; \
	  (cd $$list && find . ! -type d ! -path '.$(SYSCONFDIR)/*' -printf '$(DESTDIR)/%P\n') | xargs -d '\n' rm -vf; \
	  rm -rf $$list; find $(DESTDIR)$(DOCDIR) $(DESTDIR)$(LIBDIR)/jobqd -depth -type d -empty -delete

# The Debian package, of the same list.
deb: release
	@.ci/deps $(DEPS_DEB)
	rm -rf .build/deb
	@$(MAKE) -s install-files DESTDIR=.build/deb/stage PREFIX=/usr SYSCONFDIR=/etc
	systemd/debian/build .build/deb/stage .build/deb
	lintian --fail-on error .build/deb/*.deb

# What only a real systemd shows: one of its own is booted, with the package installed in it. Needs root.
AS_ROOT = $(if $(filter-out 0,$(shell id -u)),sudo --preserve-env env PATH="$$PATH")
test-system: deb
	@.ci/deps $(DEPS_RUN) $(DEPS_SYSTEM)
	.ci/build --build-tests
	TIMEOUT=$(TEST_TIMEOUT) JOURNAL=.build/test-system.journal $(AS_ROOT) Tests/System/with-systemd.sh \
	  $(SWIFT) test --skip-build --disable-xctest --no-parallel --filter '$(or $(FILTER),^SystemTests)'

deps:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN)
