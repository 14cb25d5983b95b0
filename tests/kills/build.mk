# SPDX-License-Identifier: BSD-3-Clause
# make test-kills: members that are killed at random, from inside and by the host. CLADE_LONG=1: 10,000 of each.

$(B)/tests/kills/kills: tests/kills/kills.c tests/kills/workers.c tests/kills/kills.h
	@mkdir -p $(@D)
	$(CC) $(filter-out -Wcast-qual,$(WARNINGS)) -O1 -g -static -pthread -I. $(filter %.c,$^) -o $@

test-kills: $(B)/tests/kills/kills $(B)/clade
	tests/kills/run

.PHONY: test-kills
