# SPDX-License-Identifier: BSD-3-Clause
# bash completion for clade; the options are read from `clade COMMAND --help`.

# Has a word before the one that is typed named the program already? Uses _clade's words and cword.
_clade_has_program() {
    local i with="-a -d -e -w -m -c -n -p -o --add --deb --root --env --workdir --memory --cpus --hostname --rights"
    with+=" --net --publish --ip --ip6 --gateway --dns --pids --report --output "
    for ((i = 2; i < cword; i++)); do
        [[ ${words[i]} == -- ]] && return 0
        [[ ${words[i]} == -* ]] || return 0
        [[ " $with" == *" ${words[i]} "* ]] && ((i++))
    done
    return 1
}

_clade() {
    local cur prev words cword
    _init_completion -n : 2>/dev/null || {
        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
        words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
    }
    if [ "$cword" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "run build inspect cache network version --help" -- "$cur")
        return
    fi
    # What follows the program is the program's: its files.
    if [[ ${words[1]} == run ]] && _clade_has_program; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
    fi
    case $prev in
    -d | --deb)
        mapfile -t COMPREPLY < <(dpkg-query -W -f '${Package}\n' "$cur*" 2>/dev/null)
        return
        ;;
    -a | --add | -o | --output | --report)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --root | -w | --workdir)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    --rights)
        mapfile -t COMPREPLY < <(compgen -W "memory,tick,fork,network memory,tick,fork memory,tick memory none" -- "$cur")
        return
        ;;
    -e | --env)
        mapfile -t COMPREPLY < <(compgen -v -- "$cur")
        return
        ;;
    -n | --net)
        mapfile -t COMPREPLY < <(compgen -W "user none tap= $(clade network ls 2>/dev/null | sed -n 's/^\([^ ]*\) .*/\1/p')" -- "$cur")
        return
        ;;
    -m | --memory | -c | --cpus | --pids | --hostname | -p | --publish | --ip | --ip6 | --gateway | --dns)
        return
        ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W \
            "$("${words[0]}" "${words[1]}" --help 2>/dev/null | grep -oE '^ .{3} --[a-z-]+|^  -[a-z], --[a-z-]+' | grep -oE -- '--[a-z-]+')" \
            -- "$cur")
        return
    fi
    case ${words[1]} in
    network) [ "$cword" = 2 ] && mapfile -t COMPREPLY < <(compgen -W "create rm ls" -- "$cur") ;;
    inspect) mapfile -t COMPREPLY < <(compgen -f -X '!*.clade' -- "$cur") ;;
    cache) mapfile -t COMPREPLY < <(compgen -W "ls clear prune" -- "$cur") ;;
    run | build) mapfile -t COMPREPLY < <(compgen -c -- "$cur"; compgen -f -- "$cur") ;;
    esac
}
complete -o filenames -F _clade clade
