# SPDX-License-Identifier: BSD-3-Clause
# Each kind of test says in its folder's build.mk how it is built and run.

-include tests/*/build.mk
