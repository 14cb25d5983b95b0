# SPDX-License-Identifier: BSD-3-Clause
# make test-tree: random operations on a file tree, compared with the host's tmpfs.

$(B)/tests/tree/tree: tests/tree/tree.c
	@mkdir -p $(@D)
	$(CC) $(filter-out -Wcast-qual,$(WARNINGS)) -O1 -g -static $< -o $@

test-tree: $(B)/tests/tree/tree $(B)/clade
	tests/tree/run

.PHONY: test-tree
