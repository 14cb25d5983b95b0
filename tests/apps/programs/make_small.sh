# SPDX-License-Identifier: BSD-3-Clause
# make -j2 with gcc: two objects and a program.
d=$(mktemp -d) && cd $d || exit
cat > a.c <<'X'
#include <stdio.h>
int b(int); int main(void){ printf("%d\n", b(41)); return 0; }
X
cat > b.c <<'X'
int b(int x){ return x + 1; }
X
cat > Makefile <<'X'
prog: a.o b.o
	gcc -o $@ $^
%.o: %.c
	gcc -O2 -c -o $@ $<
X
make -j2 2>&1 | sort && ./prog
rm -rf $d
