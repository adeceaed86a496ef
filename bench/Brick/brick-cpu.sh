#!/bin/bash
# CPU time of the brick process per operation, stock GlusterFS beside Myrmex: one brick each on the same XFS image, the same libgfapi
# program as load, nothing but protocol/client as its graph. As root; needs glusterfs-server, libglusterfs-dev, gcc, xfsprogs.
#
#   brick-cpu.sh [ROUNDS]      prints one line per operation: microseconds of CPU per operation, stock, Myrmex, ratio
#
# MYRMEX_EXE names the executable (default: the native one of this tree). The two take turns, and the least of the rounds counts:
# whatever disturbs a round only adds.
set -u -o pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
exe=${MYRMEX_EXE:-$here/../../artifacts/native/myrmex}
rounds=${1:-3}
stock_address=10.79.0.1 own_address=127.79.0.1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/brick-cpu.XXXXXX") || exit 1
export MYRMEX_WORKDIR=$scratch/own
gl() { gluster --mode=script --glusterd-sock="$scratch/gd.sock" "$@"; }

clean_up() {
    local pid
    gl volume stop bench force >/dev/null 2>&1
    for pid in $(cat "$scratch"/glusterd.pid "$MYRMEX_WORKDIR"/daemon.pid 2>/dev/null | cut -d' ' -f1) ${stock_pid:-} ${own_pid:-}; do
        kill "$pid" 2>/dev/null
    done
    sleep 1
    umount "$scratch/disk" 2>/dev/null
    ip addr del $stock_address/32 dev lo 2>/dev/null
    rm -rf --one-file-system "$scratch"
}
trap clean_up EXIT
die() { echo "brick-cpu: $*" >&2; exit 1; }

cpu_ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'; }
# Long brick names wrap: the columns are counted from the word that says whether it is online.
port_and_pid() { tr '\n' ' ' | awk '{ for (i = 1; i < NF; i++) if ($i == "Y") { print $(i-2), $(i+1); exit } }'; }
volfile() { # ADDRESS PORT BRICK
    printf 'volume c\n type protocol/client\n option remote-host %s\n option remote-port %s\n option remote-subvolume %s\n' "$1" "$2" "$3"
    printf ' option transport-type tcp\n option ping-timeout 42\nend-volume\n'
}

start_stock() {
    ip addr add $stock_address/32 dev lo
    mkdir -p "$scratch"/stock/{work,run,log} "$scratch/disk/stock"
    glusterd --xlator-option management.working-directory="$scratch/stock/work" \
        --xlator-option management.run-directory="$scratch/stock/run" --xlator-option management.glusterd-sockfile="$scratch/gd.sock" \
        --xlator-option management.transport.socket.bind-address=$stock_address \
        --xlator-option management.logging-directory="$scratch/stock/log" --log-file="$scratch/stock/log/d.log" \
        --pid-file="$scratch/glusterd.pid" || die "glusterd does not start"
    for _ in $(seq 50); do gl volume list >/dev/null 2>&1 && break; sleep 0.2; done
    gl volume create bench "$stock_address:$scratch/disk/stock/b" force >/dev/null || die "stock volume create"
    gl volume start bench >/dev/null || die "stock volume start"
    sleep 2
    read -r stock_port stock_pid < <(gl volume status bench | port_and_pid)
    [ -n "$stock_pid" ] || die "no stock brick"
    volfile $stock_address "$stock_port" "$scratch/disk/stock/b" > "$scratch/stock.vol"
}

start_own() {
    mkdir -p "$scratch/disk/own"
    "$exe" daemon --working-directory "$MYRMEX_WORKDIR" --bind $own_address --http 0 || die "the daemon does not start"
    "$exe" volume create bench "$own_address:$scratch/disk/own/b" force >/dev/null || die "volume create"
    "$exe" volume start bench >/dev/null || die "volume start"
    sleep 1
    read -r own_port own_pid < <("$exe" volume status bench | port_and_pid)
    [ -n "$own_pid" ] || die "no Myrmex brick"
    volfile $own_address "$own_port" "$scratch/disk/own/b" > "$scratch/own.vol"
}

measure() { # VOLFILE PID OP COUNT DEPTH: microseconds per operation
    local before after answer
    coproc LOAD { "$scratch/load" "$1" "$3" "$4" "$5"; }
    read -r answer <&"${LOAD[0]}" || return 1
    before=$(cpu_ticks "$2")
    echo >&"${LOAD[1]}"
    read -r answer <&"${LOAD[0]}"
    after=$(cpu_ticks "$2")
    wait "$LOAD_PID" 2>/dev/null
    case $answer in *" 0 failed"*) ;; *) echo "brick-cpu: $answer" >&2; return 1 ;; esac
    awk "BEGIN { printf \"%.1f\", ($after - $before) * 1e6 / $(getconf CLK_TCK) / $4 }"
}

least() { sort -g | head -1; }

gcc -O2 -o "$scratch/load" "$here/load.c" $(pkg-config --cflags --libs glusterfs-api) -lpthread || die "load.c does not build"
truncate -s 8G "$scratch/disk.xfs"
mkfs.xfs -q -K -f "$scratch/disk.xfs"
mkdir "$scratch/disk"
mount -o loop,noatime "$scratch/disk.xfs" "$scratch/disk" || die "no loop device"
start_stock
start_own
printf '%-24s %10s %10s %8s\n' "us CPU per operation" stock myrmex ratio
while read -r op count depth; do
    : > "$scratch/s"; : > "$scratch/o"
    for _ in $(seq "$rounds"); do
        measure "$scratch/stock.vol" "$stock_pid" "$op" "$count" "$depth" >> "$scratch/s" || die "$op on the stock brick"
        echo >> "$scratch/s"
        measure "$scratch/own.vol" "$own_pid" "$op" "$count" "$depth" >> "$scratch/o" || die "$op on our brick"
        echo >> "$scratch/o"
        if [ "$op" = create ]; then
            measure "$scratch/stock.vol" "$stock_pid" unlink "$count" "$depth" >> "$scratch/su"; echo >> "$scratch/su"
            measure "$scratch/own.vol" "$own_pid" unlink "$count" "$depth" >> "$scratch/ou"; echo >> "$scratch/ou"
        fi
    done
    s=$(grep . "$scratch/s" | least) o=$(grep . "$scratch/o" | least)
    awk "BEGIN { printf \"%-24s %10.1f %10.1f %8.1f\n\", \"$op x$depth\", $s, $o, $s / ($o > 0 ? $o : 0.1) }"
    if [ "$op" = create ]; then
        s=$(grep . "$scratch/su" | least) o=$(grep . "$scratch/ou" | least)
        awk "BEGIN { printf \"%-24s %10.1f %10.1f %8.1f\n\", \"unlink x$depth\", $s, $o, $s / ($o > 0 ? $o : 0.1) }"
    fi
done <<'END'
write4k 60000 16
write128k 8000 16
read4k 60000 16
read128k 8000 16
lookup 60000 16
stat 60000 16
create 20000 16
END
