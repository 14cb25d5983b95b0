# SPDX-License-Identifier: BSD-3-Clause
need busybox || return 0
B=$(type -P busybox)
same echo "$B" echo one two
same sh "$B" sh -c 'x=3; while [ $x -gt 0 ]; do echo $x; x=$((x-1)); done; printf "%05d\n" 42; exit 7'
same sha256sum -i "$B" "$B" sha256sum
same awk -i /etc/passwd "$B" awk -F: '{ n += length($1) } END { print NR, n }'
same sed -i /etc/passwd "$B" sed -n 's/^\([a-z]*\):.*/\1/p'
same vi-version "$B" expr 6 '*' 7
same gzip -i /etc/services "$B" gzip -c
same du -o "--add /usr/share/doc/bash" "$B" wc -c /usr/share/doc/bash/copyright /usr/share/doc/bash/RBASH
same false "$B" false
