# SPDX-License-Identifier: BSD-3-Clause
# make stack                     the stack without TCP and the calls, on the host, under ASan and UBSan
# make fuzz-stack FUZZ_SECONDS=20  frames of a fuzzer through all of it (clang)
# make fuzz-messages FUZZ_SECONDS=20  DHCP, netlink, TCP options
# make fuzz-bpf FUZZ_SECONDS=20    programs of a fuzzer through the filter machine

STACK_B       := $(B)/tests/stack
STACK_PARTS   := address arp bpf checksum datagram dhcp dhcp_message ethernet filter icmp icmp4 icmp6 interface interface_life \
    interface_transmit ip ip4 ip6 ip_fragment ip_reassemble loopback membership mib multicast multicast_report ndp neighbour packet packet_copy \
    path_mtu port redirect resolver route segment settings slaac udp
STACK_KERNEL  := $(STACK_PARTS:%=kernel/net/%.c) kernel/base/text.c kernel/inspect/text.c kernel/file/io.c
STACK_HOST    := tests/stack/host.c tests/stack/no_kills.c tests/stack/wire.c
STACK_TESTS   := tests/stack/main.c tests/stack/test_packet.c tests/stack/test_stack.c tests/stack/test_config.c tests/stack/test_life.c \
    tests/stack/test_dhcp.c
STACK_CFLAGS  := $(WARNINGS) -O1 -g -Ikernel -I. -fsanitize=address,undefined -fno-sanitize-recover=undefined \
    -fno-omit-frame-pointer -fno-strict-aliasing -DDEBUG=1
STACK_OBJECTS := $(patsubst %.c,$(STACK_B)/%.o,$(STACK_KERNEL) $(STACK_HOST) $(STACK_TESTS))

stack: $(STACK_B)/stack
	$(STACK_B)/stack

$(STACK_B)/stack: $(STACK_OBJECTS)
	$(CC) $(STACK_CFLAGS) $(STACK_OBJECTS) -o $@

$(STACK_B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STACK_CFLAGS) -MMD -MP -c $< -o $@

$(STACK_B)/fuzz_stack: tests/stack/fuzz_stack.c $(STACK_HOST) $(STACK_KERNEL)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(STACK_CFLAGS) -fsanitize=fuzzer $^ -o $@

$(STACK_B)/fuzz_bpf: tests/stack/fuzz_bpf.c $(STACK_HOST) $(STACK_KERNEL)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(STACK_CFLAGS) -fsanitize=fuzzer $^ -o $@

$(STACK_B)/fuzz_messages: tests/stack/fuzz_messages.c $(STACK_HOST) $(STACK_KERNEL) \
    $(sort $(wildcard kernel/net/netlink*.c)) kernel/net/tcp_options.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(STACK_CFLAGS) -fsanitize=fuzzer $^ -o $@

fuzz-messages: $(STACK_B)/fuzz_messages
	@mkdir -p $(STACK_B)/corpus-messages
	tests/fuzz/run $(shell expr $(FUZZ_SECONDS) / 4 + 1) tests/fuzz/crashes/fuzz_messages $< -max_len=1024 \
	    $(STACK_B)/corpus-messages tests/fuzz/seeds/fuzz_messages

fuzz-bpf: $(STACK_B)/fuzz_bpf
	@mkdir -p $(STACK_B)/corpus-bpf
	tests/fuzz/run $(FUZZ_SECONDS) tests/fuzz/crashes/fuzz_bpf $< -max_len=1024 $(STACK_B)/corpus-bpf

fuzz-stack: $(STACK_B)/fuzz_stack $(STACK_B)/stack
	@mkdir -p $(STACK_B)/corpus
	$(STACK_B)/stack --seeds $(STACK_B)/corpus
	tests/fuzz/run $(FUZZ_SECONDS) tests/fuzz/crashes/fuzz_stack $< -max_len=8192 $(STACK_B)/corpus

.PHONY: stack fuzz-stack fuzz-bpf fuzz-messages
