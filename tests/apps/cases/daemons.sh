# SPDX-License-Identifier: BSD-3-Clause
# More servers; packages-long lists what they need.
[ -n "${CLADE_LONG-}" ] || { skip "$case_name" "long: set CLADE_LONG=1"; return 0; }
. "$P/servers/case.sh"
need dnsmasq rsyslogd supervisord lighttpd haproxy rsync curl openssl python3 &&
    server small bsdutils dnsmasq rsyslog supervisor lighttpd haproxy rsync curl openssl python3
need cron && server cron -a /etc/pam.d -a /etc/security -a /etc/shadow -a /etc/login.defs cron
need mariadbd && server mariadb mariadb-server
