# SPDX-License-Identifier: BSD-3-Clause
# Shells and the programs they start, each in a member of its own.
for p in bash dash busybox; do need $p || return 0; done
packages() { printf -- '--deb %s ' "$@"; }
TOOLS="$(packages coreutils dash bash sed findutils tar gzip diffutils util-linux mawk perl grep) --add /etc/passwd --add /etc/services --add $P"
need cpio && TOOLS="$TOOLS --deb cpio"
same bash -o "$TOOLS" /bin/bash "$P/pipelines.bash"
same dash -o "$TOOLS" /bin/dash "$P/pipelines.sh"
same busybox -o "$TOOLS" "$(type -P busybox)" sh "$P/pipelines.sh"
need git && same git -o "$TOOLS --deb git" /bin/bash "$P/git_local.sh"
need tmux && same tmux -o "$TOOLS --deb tmux --deb libc-bin --deb ncurses-base" /bin/bash "$P/tmux_panes.sh"
