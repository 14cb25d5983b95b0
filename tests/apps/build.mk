# SPDX-License-Identifier: BSD-3-Clause
test-apps: all
	tests/apps/run
.PHONY: test-apps
