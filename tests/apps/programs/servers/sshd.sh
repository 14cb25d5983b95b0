# SPDX-License-Identifier: BSD-3-Clause
# OpenSSH's server with separated privileges: a command, a login shell on a terminal, files both ways.
. "${0%/*}/lib.sh"
mkdir -p /run/sshd /root/.ssh /srv && cd /srv || exit
chmod 700 /root /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f host_key
ssh-keygen -q -t ed25519 -N '' -f id
cp id.pub /root/.ssh/authorized_keys
cat >sshd_config <<'X'
HostKey /srv/host_key
UsePAM no
Port 2222
ListenAddress 127.0.0.1
PidFile /srv/sshd.pid
Subsystem sftp internal-sftp
X
must /usr/sbin/sshd -f /srv/sshd_config -E /srv/sshd.log
await test -s sshd.pid
options="-i /srv/id -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
over() { ssh -p 2222 $options "$@"; }
over root@127.0.0.1 'echo a command; exit 5' >out
is "exit status" "$?" 5
is output "$(cat out)" "a command"
printf 'echo $((6 * 7)); tty; kill -0 $PPID && shopt -q login_shell && exit 3\n' | over -tt root@127.0.0.1 >shell.out 2>&1
is "status of the login shell" "$?" 3
must grep -q '^42' shell.out
must grep -q '^/dev/pts/' shell.out
head -c 3000000 /dev/urandom >blob
over root@127.0.0.1 'cat >/srv/blob2' <blob
must cmp blob blob2
must scp -q -P 2222 $options root@127.0.0.1:/srv/blob blob3
must cmp blob blob3
over -f -N -L 127.0.0.1:2223:127.0.0.1:2222 root@127.0.0.1
must sh -c "ssh -p 2223 $options root@127.0.0.1 echo through a tunnel | grep -q tunnel"
pid=$(cat sshd.pid)
kill "$pid"
await gone "$pid"
echo fine
