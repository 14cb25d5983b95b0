# SPDX-License-Identifier: BSD-3-Clause
# Guests that play the kernel (guest_*.c), the tender without a command line (start.c), and the tests.

TENDER_TEST_GUESTS := $(patsubst tests/tender/guest_%.c,$(B)/tests/tender/%.elf,$(sort $(wildcard tests/tender/guest_*.c)))

$(B)/tests/tender/%.o: tests/tender/%.c
	@mkdir -p $(@D)
	$(CC) $(KERNEL_CFLAGS) -fno-stack-protector -MMD -MP -c $< -o $@

$(B)/tests/tender/%.elf: $(B)/tests/tender/guest_%.o $(B)/tests/tender/guest.o kernel/kernel.ld
	$(CC) -nostdlib -static-pie -Wl,--no-dynamic-linker -Wl,-T,kernel/kernel.ld -Wl,--gc-sections \
	    -Wl,-z,text -Wl,-z,pack-relative-relocs -Wl,-z,max-page-size=4096 -Wl,--build-id=sha1 -Wl,-z,noexecstack \
	    $(filter %.o,$^) -o $@

$(B)/tests/tender/start.o: tests/tender/start.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(B)/tests/tender/start: $(B)/tests/tender/start.o $(TENDER_OBJECTS) $(HOST_BASE_OBJECTS)
	$(HOST_LINK) $^ $(HOST_LIBS) -o $@

.PRECIOUS: $(B)/tests/tender/%.o

$(B)/tests/tender/test_policy: tests/tender/test_policy.c tests/tender/bpf.c tender/policy/policy.c $(B)/tender/policy_tables.h
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O1 -D_GNU_SOURCE -I. -I$(B) $(filter %.c,$^) -o $@

# Static: it also runs where only the test's folder is to be seen.
$(B)/tests/tender/test_filter: tests/tender/test_filter.c tests/tender/bpf.c tests/tender/bpf.h
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O1 -static -D_GNU_SOURCE -I. $(filter %.c,$^) -o $@

$(B)/tests/tender/seven $(B)/tests/tender/seven-pie: tests/tender/seven.c
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O1 -nostdlib -ffreestanding -fno-stack-protector $(if $(findstring pie,$@),-fPIE -static-pie,-fno-pie -static -no-pie) \
	    $< -o $@

check-tender: $(B)/clade $(B)/tests/tender/seven $(B)/tests/tender/seven-pie $(B)/tests/tender/start $(TENDER_TEST_GUESTS) $(B)/tests/tender/test_policy $(B)/tests/tender/test_filter
	tests/tender/run $(B)

.PHONY: check-tender
