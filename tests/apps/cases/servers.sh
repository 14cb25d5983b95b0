# SPDX-License-Identifier: BSD-3-Clause
# Servers of several processes and their clients, all inside: signals, shared listeners, sockets, terminals.
. "$P/servers/case.sh"
need nginx curl ab && server nginx nginx-light curl apache2-utils openssl
need apache2 curl ab && server apache apache2-bin curl apache2-utils
need redis-server redis-benchmark && server redis redis-server redis-tools
need nginx php-fpm8.2 cgi-fcgi ab && server php_fpm nginx-light php8.2-fpm libfcgi-bin curl apache2-utils
need /usr/sbin/sshd ssh && server sshd openssh-server openssh-client
need erl && server erlang erlang-base
