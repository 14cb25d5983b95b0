# SPDX-License-Identifier: BSD-3-Clause
# Debian's gcc, make and autotools, inside.
need make gcc || return 0
TOOLS="$(printf -- '--deb %s ' gcc make libc6-dev binutils coreutils bash dash autoconf automake debianutils diffutils file findutils gawk grep gzip hostname m4 perl sed tar) --add $P"
need automake || TOOLS="--deb gcc --deb make --deb libc6-dev --deb binutils --deb coreutils --deb bash --deb dash --add $P"
same small-program -o "$TOOLS" /bin/bash "$P/make_small.sh"
need automake && same configure -o "$TOOLS" /bin/bash "$P/configure_package.sh"
