# SPDX-License-Identifier: BSD-3-Clause
# The tender: its objects, for cli/build.mk to link into build/clade, and its policies.

TENDER_SOURCES := $(sort $(wildcard tender/*.c tender/*/*.c))
TENDER_SOURCES := $(filter-out tender/policy/compile.c,$(TENDER_SOURCES))
TENDER_OBJECTS := $(patsubst %,$(B)/%.o,$(basename $(TENDER_SOURCES)))
TENDER_CFLAGS  := $(WARNINGS) $(OPTIMIZE) -D_GNU_SOURCE -fno-strict-aliasing -fno-pie \
    -fno-asynchronous-unwind-tables -I. -I$(B)

$(B)/tender/%.o: tender/%.c
	@mkdir -p $(@D)
	$(CC) $(TENDER_CFLAGS) -MMD -MP -c $< -o $@
