# SPDX-License-Identifier: BSD-3-Clause
# Each kind of test says in its folder's build.mk how it is built and run.

-include tests/*/build.mk

# All that CI runs; `scripts/check SUITE...` runs some.
check:
	scripts/check

# The first of README's two commands, whose head says what must come out.
demo:
	scripts/demo

lint:
	scripts/lint

# The other compiler accepts it all, and what it makes starts.
build-clang:
	$(MAKE) CC=clang B=build/clang build/clang/clade
	build/clang/clade version

.PHONY: check demo lint build-clang
