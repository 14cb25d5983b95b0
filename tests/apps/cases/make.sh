# SPDX-License-Identifier: BSD-3-Clause
# Debian's gcc and make, inside.
need make gcc || return 0
same small-program -o "--deb gcc --deb make --deb libc6-dev --deb binutils --deb coreutils --deb bash --deb dash --add $P" /bin/bash "$P/make_small.sh"
