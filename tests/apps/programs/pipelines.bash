# SPDX-License-Identifier: BSD-3-Clause
# Pipelines, subshells, traps, job control, and programs that start others; standard error is not compared.
echo a b c | tr a-z A-Z | sed 's/B/x/' 
seq 1000 | sort -rn | head -3
cat <<EOF | wc -l
one
two $(echo sub $(echo subsub))
EOF
trap 'echo exit trap' EXIT
trap 'echo got USR1' USR1
kill -USR1 $$
(exit 3); echo $?
false | true; echo "${PIPESTATUS[@]}"
set -o pipefail; false | true; echo $?
sleep 0.1 & p=$!; wait $p; echo waited $?
sleep 10 & p=$!; kill $p; wait $p; echo killed $?
for i in 1 2 3; do (sleep 0.$((i * 3)); echo bg $i) & done; wait; echo all
cat < <(echo procsub) 
diff <(seq 3) <(seq 4)
coproc C { read x; echo "coproc $x"; sleep 0.2; }
echo hi >&${C[1]}; read y <&${C[0]}; echo $y; wait
yes | head -2
find /etc/passwd -exec echo found {} \;
printf '%s\n' 1 2 3 4 5 6 | xargs -n1 -P3 echo | sort
seq 1 200000 | sort -S 1M -rn | sha256sum
tar cf - /etc/services 2>/dev/null | gzip | gunzip | tar tf -
( cd /etc; echo services | cpio -o 2>/dev/null | cpio -it 2>/dev/null )
mkfifo /tmp/clade-ff; (echo through fifo > /tmp/clade-ff) & read l < /tmp/clade-ff; echo $l; wait; rm /tmp/clade-ff
set -m; sleep 0.2 & fg; set +m; kill -STOP $BASHPID & p=$!
until [ "$(cut -d ' ' -f 3 /proc/$p/stat)" = T ]; do sleep 0.02; done; kill -CONT $p; wait $p; echo $?
exec 9>/tmp/clade-lk; flock 9; (flock -n /tmp/clade-lk true || echo locked); exec 9>&-; rm /tmp/clade-lk
timeout 0.2 sleep 5; echo timeout $?
nohup true; nice true; env A=b sh -c 'echo $A'
awk 'BEGIN { "echo from awk" | getline x; print x; system("echo sys") }'
perl -e 'my $p=fork; if(!$p){print "child\n"; exit 4} waitpid $p,0; print $?>>8,"\n"; system("echo sys; exit 2"); print $?>>8, "\n"; open F,"-|","echo piped"; print <F>; close F; my $done; $SIG{CHLD}=sub{wait; print "chld\n"; $done = 1}; if(!fork){exit} for (1..1000) { last if $done; select undef,undef,undef,0.02 }'
