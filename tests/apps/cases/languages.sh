# SPDX-License-Identifier: BSD-3-Clause
# Script languages, and small tools with run times of their own.
same perl -o "--deb perl" /usr/bin/perl -MList::Util=sum -MPOSIX=floor -e 'my %h; $h{$_ % 97} += $_ for 1..100000; print join(",", map { "$_=$h{$_}" } sort { $a <=> $b } (keys %h)[0..-1]), sum(1..10), floor(3.7), "\n"; local $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; select undef, undef, undef, 3; die "bye\n"'
same lua /usr/bin/lua5.4 -e 'local t={} for i=1,1e5 do t[i]=i*i%1009 end table.sort(t) print(t[1],t[#t],#t,math.pi,string.rep("x",5)) print(coroutine.wrap(function() coroutine.yield(7) end)())'
same gawk -o "--add /etc/services" -i /etc/services /usr/bin/gawk '{ n[$2]++ } END { PROCINFO["sorted_in"]="@ind_str_asc"; for (k in n) if (k ~ /tcp/ && ++c < 9) print k, n[k] }'
same jq /usr/bin/jq -n '[range(1000)] | map(. * .) | add, ({"a":[1,2,{"b":null}]} | tojson)'
same openssl-digest -i /bin/ls /usr/bin/openssl dgst -sha3-256
unikernel openssl-speed "sha256" /usr/bin/openssl speed -seconds 1 -bytes 1024 sha256
