# SPDX-License-Identifier: BSD-3-Clause
# bash completion for clade; the options are read from `clade COMMAND --help`.

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
    case $prev in
    -d | --deb)
        mapfile -t COMPREPLY < <(dpkg-query -W -f '${Package}\n' "$cur*" 2>/dev/null)
        return
        ;;
    -a | --add | -o | --output)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --root | -w | --workdir)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    --rights)
        mapfile -t COMPREPLY < <(compgen -W "memory,tick memory none" -- "$cur")
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
    inspect) mapfile -t COMPREPLY < <(compgen -f -X '!*.clade' -- "$cur") ;;
    cache) mapfile -t COMPREPLY < <(compgen -W "ls clear prune" -- "$cur") ;;
    run | build) mapfile -t COMPREPLY < <(compgen -c -- "$cur"; compgen -f -- "$cur") ;;
    esac
}
complete -o filenames -F _clade clade
