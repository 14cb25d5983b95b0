# SPDX-License-Identifier: BSD-3-Clause
# For the cases that run the scripts of this folder.
#     server NAME [-a PATH]... PACKAGE...     runs NAME.sh inside, with these files and packages of the host
server() {
    local script=$P/servers/$1.sh name=${1//_/-} adds=(/etc/passwd /etc/group /etc/nsswitch.conf "$P/servers")
    shift
    while [ "$1" = -a ]; do
        adds+=("$2")
        shift 2
    done
    unikernel "$name" -o "--net none $(printf -- '--deb %s ' bash coreutils dash diffutils gawk grep procps sed "$@")
        $(printf -- '--add %s ' "${adds[@]}")" fine /bin/bash "$script"
}
