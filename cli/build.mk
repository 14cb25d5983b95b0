# SPDX-License-Identifier: BSD-3-Clause
# build/clade: command line, supervisor and tender in one static binary, with the kernel inside.

CLADE_VERSION ?= 0.1
KERNEL_ELF    ?= $(B)/kernel.elf

CLI_SOURCES := $(sort $(wildcard cli/*.c))
CLI_OBJECTS := $(patsubst %.c,$(B)/%.o,$(CLI_SOURCES)) $(B)/cli/kernel_elf.o
CLI_CFLAGS   = $(HOST_CFLAGS) -DCLADE_VERSION='"$(CLADE_VERSION)"'

$(B)/cli/%.o: cli/%.c $(B)/cli/kernel_hash.h
	@mkdir -p $(@D)
	$(CC) $(CLI_CFLAGS) -include $(B)/cli/kernel_hash.h -MMD -MP -c $< -o $@

# The kernel's identity for the image cache; changes only when the kernel does.
$(B)/cli/kernel_hash.h: $(KERNEL_ELF)
	@mkdir -p $(@D)
	echo '#define KERNEL_HASH "'$$(sha256sum $< | cut -c1-64)'"' > $@.new
	cmp -s $@.new $@ || mv $@.new $@; rm -f $@.new

$(B)/cli/kernel_elf.o: cli/kernel_elf.S $(KERNEL_ELF)
	@mkdir -p $(@D)
	$(CC) -DKERNEL_ELF='"$(KERNEL_ELF)"' -c $< -o $@

$(B)/clade: $(CLI_OBJECTS) $(TENDER_OBJECTS) $(HOST_BASE_OBJECTS) tender/start.ld tender/order.ld
	$(HOST_LINK) -Wl,-T,tender/start.ld $(filter %.o,$^) $(HOST_LIBS) -o $@

install: $(B)/clade
	install -D -m 755 $(B)/clade $(DESTDIR)$(PREFIX)/bin/clade
	install -D -m 644 docs/clade.1 $(DESTDIR)$(PREFIX)/share/man/man1/clade.1
	install -D -m 644 docs/clade.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/clade

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/clade $(DESTDIR)$(PREFIX)/share/man/man1/clade.1 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/clade

.PHONY: install uninstall
