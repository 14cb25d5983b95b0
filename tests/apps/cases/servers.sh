# SPDX-License-Identifier: BSD-3-Clause
# Servers of several processes and their clients, all inside: signals, shared listeners, sockets, terminals.
server_options() { # PACKAGE...: what the scripts in programs/servers need
    printf -- '--deb %s ' bash coreutils dash diffutils gawk grep procps sed "$@"
    printf -- '--add %s ' /etc/passwd /etc/group /etc/nsswitch.conf "$P/servers"
}
server() { # NAME PACKAGE...
    local script=$P/servers/$1.sh name=${1//_/-}
    shift
    unikernel "$name" -o "--net none $(server_options "$@")" fine /bin/bash "$script"
}
need nginx curl ab && server nginx nginx-light curl apache2-utils openssl
need apache2 curl ab && server apache apache2-bin curl apache2-utils
need redis-server redis-benchmark && server redis redis-server redis-tools
need nginx php-fpm8.2 cgi-fcgi ab && server php_fpm nginx-light php8.2-fpm libfcgi-bin curl apache2-utils
need /usr/sbin/sshd ssh && server sshd openssh-server openssh-client
