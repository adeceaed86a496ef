# Myrmex on hosts of their own (network namespaces, BENCH_NET_RATE each): three nodes with one brick each, managed etcd, a journal-replicated
# set of three, a proxy on every node; thin clients on hosts of their own, which prefer the proxies in an order of their own. A system file for a
# harness that provides, besides what myrmex-distribute.sh needs, ns_up, ns_down, ns_exec, ns_host, ns_addr and ns_net. MX_MOUNT= gives thick clients.
: "${MYRMEX_EXE:?path of the built myrmex executable}" "${MX_TYPE:=replica 3}" "${MX_OPTS=config.gfproxyd on}" "${MX_MOUNT=--thin}"
source "$BENCH_ROOT/lib/netns.sh"
MX_VOL=benchv
mx_dir() { echo "$SYS_DIR/node$1"; }
mx() { local n=$1; shift; MYRMEX_WORKDIR=$(mx_dir "$n") ns_host "s$n" "$MYRMEX_EXE" "$@"; }
sys_caps() { echo "mount fio brickkill ns"; }
mx_daemon() { # NODE [OPTION...]
  local n=$1; shift; mkdir -p "$(mx_dir "$n")"
  ns_host "s$n" "$MYRMEX_EXE" daemon --working-directory "$(mx_dir "$n")" --bind "$(ns_addr "s$n")" --http 0 --foreground "$@" >&2 < /dev/null 9>&- &
}
sys_up() {
  local n o list=()
  ns_up; bricks_up "$NS_SERVERS"
  mx_daemon 1 --etcd managed
  wait_for 60 mx 1 volume list || die "daemon 1 does not answer"
  for (( n = 2; n <= NS_SERVERS; n++ )); do
    mkdir -p "$(mx_dir "$n")"; mx 1 cluster token > "$(mx_dir "$n")/join-token" || die token
    mx_daemon "$n"
    wait_for 30 mx "$n" volume list || die "daemon $n does not answer"
    wait_for 30 mx 1 peer probe "$(ns_addr "s$n")" || die probe # The store may still be moving to etcd.
  done
  for (( n = 1; n <= NS_SERVERS; n++ )); do list+=("$(ns_addr "s$n"):${BRICK_DIRS[n-1]}/b1"); done
  mx 1 volume create $MX_VOL $MX_TYPE "${list[@]}" force >&2 || die create
  local IFS=';'; for o in $MX_OPTS; do IFS=' '; mx 1 volume set $MX_VOL $o >&2 || die "set $o"; IFS=';'; done; IFS=$' \t\n'
  mx 1 volume start $MX_VOL >&2 || die start
  [[ $MX_MOUNT != --thin ]] || wait_for 20 mx_proxies || die proxy
  sleep 2
}
mx_proxies() { local n; for (( n = 1; n <= NS_SERVERS; n++ )); do [[ -s $(mx_dir "$n")/proxy.pid ]] || return 1; done; }
mx_pid() { cut -d' ' -f1 "$1" 2>/dev/null; }
sys_down() {
  local n p
  timeout 30 nsenter --net="/var/run/netns/${NS_PREFIX}s1" env MYRMEX_WORKDIR="$(mx_dir 1)" "$MYRMEX_EXE" gluster --mode=script volume stop $MX_VOL >&2 < /dev/null
  for p in "$SYS_DIR"/node*/daemon.pid "$SYS_DIR"/node*/{brick,proxy,etcd}.pid; do stop_pid "$(mx_pid "$p")"; done
  bricks_down; ns_down
}
sys_mount() {
  local dir=$1 c=${2:-1} n
  n=$(( (c - 1) % NS_SERVERS + 1 ))
  mkdir -p "$dir"
  ns_host "c$c" "$MYRMEX_EXE" mount $MX_MOUNT -o "pid-file=$SYS_DIR/client$c.pid,log-file=$SYS_DIR/client$c.log" "$(ns_addr "s$n"):/$MX_VOL" "$dir" \
    9>&- || die mount
  wait_for 20 ls "$dir" || die "mount does not answer"
}
sys_umount() { is_mnt "$1" || return 0; wait_for 5 umount "$1" || umount -l "$1"; sleep 0.3; }
sys_pids() {
  local f p n
  for f in "$SYS_DIR"/client*.pid; do [[ -s $f ]] && p=$(mx_pid "$f") && kill -0 "$p" 2>/dev/null && echo "client $p"; done
  for (( n = 1; n <= NS_SERVERS; n++ )); do
    for f in brick:brick proxy-worker:proxy daemon:mgmt etcd:mgmt; do
      p=$(mx_pid "$(mx_dir "$n")/${f%:*}.pid"); [[ -z $p ]] || echo "${f#*:} $p"
    done
  done
}
sys_brick_signal() { kill -"$2" "$(mx_pid "$(mx_dir "$1")/brick.pid")"; }
sys_net() { ns_net; }
sys_host() { ns_exec sw ip link set "ps$1" "$2"; }
