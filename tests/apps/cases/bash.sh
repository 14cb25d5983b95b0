# SPDX-License-Identifier: BSD-3-Clause
S='a=(1 2 3); for i in "${a[@]}"; do ((s+=i)); done; echo $s ${BASH_VERSION%%.*} $((2**40))
while read -r l; do n=$((n+${#l})); done < /etc/services; echo $n
declare -A m=([x]=1 [y]=2); echo ${m[x]} ${m[y]}; printf -v t "%(%Y)T" 0; echo $t; trap "echo bye" EXIT; [[ abc =~ b(.) ]] && echo ${BASH_REMATCH[1]}; exec 3>/tmp/clade-bash-$$; echo hi >&3; exec 3>&-; read x < /tmp/clade-bash-$$; echo $x; echo $((SECONDS < 1000))'
same no-fork -o "--add /etc/services" /bin/bash -c "$S"
same signal-status /bin/bash -c 'trap "echo caught; exit 3" TERM; kill -TERM $$; echo never'
