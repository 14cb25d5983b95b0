# SPDX-License-Identifier: BSD-3-Clause
# cron runs what is due with the next minute, as another user, through PAM.
. "${0%/*}/lib.sh"
mkdir -p /var/spool/cron/crontabs /etc/cron.d
echo '* * * * * www-data echo "cron ran as $(id -un)" >/tmp/cron.out' >/etc/cron.d/job
chmod 644 /etc/cron.d/job
cron -f &
cron=$!
await grep -q . /tmp/cron.out
is output "$(cat /tmp/cron.out)" "cron ran as www-data"
kill $cron
wait $cron
echo fine
