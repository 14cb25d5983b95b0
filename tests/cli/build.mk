# SPDX-License-Identifier: BSD-3-Clause
# make test-cli: the command line, driven as a user drives it

test-cli: $(B)/clade
	tests/cli/run $(B)/clade

.PHONY: test-cli
