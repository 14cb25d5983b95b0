# SPDX-License-Identifier: BSD-3-Clause
# Apache with a process a request, with threads, and with both: files, CGI, graceful restart, stop.
. "${0%/*}/lib.sh"
mkdir -p /srv/www /srv/cgi && cd /srv || exit
echo hello >www/small
printf '#!/bin/sh\necho Content-type: text/plain; echo; echo cgi $REQUEST_METHOD; id -un\n' >cgi/x
chmod 755 cgi/x
for mpm in prefork event worker; do
    {
        printf 'LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n' \
            "mpm_$mpm" "mpm_$mpm" authz_core authz_core dir dir alias alias cgid cgid
        cat <<X
ServerRoot /srv
ServerName localhost
Listen 127.0.0.1:8081
PidFile /srv/pid.$mpm
ScriptSock /srv/cgid.sock
User www-data
Group www-data
ErrorLog /srv/error.log
DocumentRoot /srv/www
ScriptAlias /cgi/ /srv/cgi/
StartServers 2
<Directory /srv>
Require all granted
</Directory>
X
    } >conf
    must apache2 -f /srv/conf -k start
    await curl -sf -m 60 http://127.0.0.1:8081/small
    is cgi "$(curl -sS -m 60 http://127.0.0.1:8081/cgi/x | tr '\n' ' ')" "cgi GET www-data "
    must apache2 -f /srv/conf -k graceful
    await curl -sf -m 60 http://127.0.0.1:8081/small
    ab -q -n 300 -c 8 http://127.0.0.1:8081/small >ab.log || cat ab.log
    is "failed requests" "$(awk '/^Failed/ { print $3 }' ab.log)" 0
    pid=$(cat "pid.$mpm")
    must apache2 -f /srv/conf -k stop
    await gone "$pid"
    echo "$mpm done"
done
is "crashes" "$(grep -c 'exit signal' error.log)" 0
echo fine
