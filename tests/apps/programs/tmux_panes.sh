# SPDX-License-Identifier: BSD-3-Clause
# tmux: a server that outlives the client that started it, two panes on terminals of their own.
export TERM=xterm LC_ALL=C.UTF-8 SHELL=/bin/bash
t() { tmux -L clade-test -f /dev/null "$@"; }
t new-session -d -s a -x 80 -y 24 'echo hello from tmux; exec sleep 100'
echo started $?
for i in $(seq 100); do t capture-pane -p -t a | grep -q hello && break; sleep 0.1; done
t capture-pane -p -t a | head -1
t split-window -t a 'echo second; sleep 100'
sleep 0.5
t list-panes -t a -F '#{pane_index} #{pane_width}x#{pane_height}'
t kill-server
echo $?
