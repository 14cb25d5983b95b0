# SPDX-License-Identifier: BSD-3-Clause
# make tcp    TCP by itself, two hosts and a bad line in one process with a virtual clock, under ASan and UBSan

TCP_B       := $(B)/tests/tcp
TCP_KERNEL  := $(sort $(wildcard kernel/net/tcp*.c)) kernel/net/packet.c kernel/net/packet_copy.c kernel/net/port.c \
    kernel/net/address.c kernel/net/checksum.c kernel/net/settings.c kernel/base/text.c kernel/file/io.c
TCP_TESTS   := $(sort $(wildcard tests/tcp/*.c)) tests/stack/no_kills.c
TCP_CFLAGS  := $(WARNINGS) -O1 -g -Ikernel -I. -fsanitize=address,undefined -fno-sanitize-recover=undefined \
    -fno-omit-frame-pointer -fno-strict-aliasing -DDEBUG=1
TCP_OBJECTS := $(patsubst %.c,$(TCP_B)/%.o,$(TCP_KERNEL) $(TCP_TESTS))

tcp: $(TCP_B)/tcp
	$(TCP_B)/tcp

$(TCP_B)/tcp: $(TCP_OBJECTS)
	$(CC) $(TCP_CFLAGS) $(TCP_OBJECTS) -o $@

$(TCP_B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(TCP_CFLAGS) -MMD -MP -c $< -o $@

.PHONY: tcp

# make tcp-fuzz FUZZ_SECONDS=20   an established connection under libFuzzer; crashes are kept in tests/tcp/fuzz/crashes
tcp-fuzz: $(TCP_B)/fuzz
	@mkdir -p $(TCP_B)/corpus
	tests/fuzz/run $(FUZZ_SECONDS) tests/tcp/fuzz/crashes $< -max_len=400 $(TCP_B)/corpus tests/tcp/fuzz/crashes

$(TCP_B)/fuzz: tests/tcp/fuzz/fuzz_tcp.c $(filter-out tests/tcp/main.c tests/tcp/test_%,$(TCP_TESTS)) $(TCP_KERNEL)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(TCP_CFLAGS) -fsanitize=fuzzer $^ -o $@

.PHONY: tcp-fuzz
