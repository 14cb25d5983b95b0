# SPDX-License-Identifier: BSD-3-Clause
# The network from outside: TAP and passt (run), and real programs (apps). They say what they need.

$(B)/tests/net/peer: tests/net/peer.c
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O1 -static -pthread -D_GNU_SOURCE $< -o $@

$(B)/tests/net/relay: tests/net/relay.c tests/net/relay_end.c tests/net/relay.h
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O2 -static -D_GNU_SOURCE $(filter %.c,$^) -o $@

$(B)/tests/net/transfer: tests/net/transfer.c
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O2 -static -pthread -D_GNU_SOURCE $< -o $@

$(B)/tests/net/crowd: tests/net/crowd.c
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O2 -static -D_GNU_SOURCE $< -o $@

# make test-lossy    streams over a bad line; CLADE_LONG=1: 100 MiB each way
test-lossy: $(B)/clade $(B)/tests/net/relay $(B)/tests/net/transfer
	tests/net/lossy $(B)

# make test-hostile  a unikernel among enemies and in a crowd; CLADE_LONG=1: more of both
test-hostile: $(B)/clade $(B)/tests/net/crowd
	tests/net/hostile $(B)

test-net: $(B)/clade $(B)/tests/net/peer $(B)/tests/tender/network.elf
	tests/net/run $(B) || { echo "once more: ports and namespaces are the host's"; sleep 5; tests/net/run $(B); }
	tests/net/apps

.PHONY: test-net test-lossy test-hostile
