# SPDX-License-Identifier: BSD-3-Clause
# The way of a source package: autoreconf makes configure, that looks at the machine with hundreds of small programs,
# and make -j2 builds, tests and packs.
d=$(mktemp -d) && cd "$d" || exit
cat >configure.ac <<'X'
AC_INIT([demo],[1.0])
AM_INIT_AUTOMAKE([foreign])
AC_PROG_CC
AC_PROG_RANLIB
AC_CHECK_HEADERS([unistd.h sys/epoll.h nothing.h])
AC_CHECK_FUNCS([fork epoll_create1 mmap no_such_function])
AC_CHECK_SIZEOF([long])
AC_TYPE_PID_T
AC_C_BIGENDIAN
AC_CONFIG_HEADERS([config.h])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
X
cat >Makefile.am <<'X'
bin_PROGRAMS = demo
demo_SOURCES = main.c part.c
TESTS = works.sh
EXTRA_DIST = works.sh
X
printf '#!/bin/sh\n./demo | grep -q 42\n' >works.sh
chmod +x works.sh
printf '#include "config.h"\n#include <stdio.h>\nint part(int);\nint main(void) { printf("%%s %%d %%d\\n", PACKAGE_STRING, part(41), SIZEOF_LONG); return 0; }\n' >main.c
echo 'int part(int x) { return x + 1; }' >part.c
step() { "$@" >log 2>&1 || { echo "failed: $*"; tail -n 30 log; exit 1; }; }
step autoreconf -fi
step ./configure --disable-dependency-tracking
grep -E 'HAVE|SIZEOF|WORDS' config.h
step make -j2
./demo
step make -j2 check dist
grep '^# ' log
tar tzf demo-1.0.tar.gz | sort
rm -rf "$d"
