# SPDX-License-Identifier: BSD-3-Clause
# The network from outside: TAP and passt (run), and real programs (apps). They say what they need.

$(B)/tests/net/peer: tests/net/peer.c
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O1 -static -D_GNU_SOURCE $< -o $@

test-net: $(B)/clade $(B)/tests/net/peer $(B)/tests/tender/network.elf
	tests/net/run $(B) || { echo "once more: ports and namespaces are the host's"; sleep 5; tests/net/run $(B); }
	tests/net/apps

.PHONY: test-net
