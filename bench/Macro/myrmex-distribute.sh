# Myrmex, own FUSE client, distribute over 3 bricks (one copy), default options. A system file for a benchmark harness that provides
# bricks_up, bricks_down, wait_for, stop_pid, is_mnt, die, SYS_DIR and BRICK_DIRS. MYRMEX_EXE names the built executable.
: "${MYRMEX_EXE:?path of the built myrmex executable}" "${MYRMEX_PORT:=25007}" "${MX_OPTS:=}" "${MX_MOUNT:=}"
MX_VOL=benchv
export MYRMEX_WORKDIR=$SYS_DIR/daemon
mx() { "$MYRMEX_EXE" "$@"; }
sys_caps() { echo "mount fio brickkill"; }
sys_up() {
  local d list=()
  bricks_up 3
  for d in "${BRICK_DIRS[@]}"; do list+=("127.0.0.1:$d/b1"); done
  mkdir -p "$MYRMEX_WORKDIR"
  "$MYRMEX_EXE" daemon --working-directory "$MYRMEX_WORKDIR" --bind 127.0.0.1 --port "$MYRMEX_PORT" --http 0 --brick-port $((MYRMEX_PORT + 2000)) \
    --foreground >&2 < /dev/null 9>&- & MX_DAEMON=$!
  wait_for 20 mx volume list || die "daemon does not answer"
  mx volume create $MX_VOL ${MX_TYPE:-} "${list[@]}" force >&2 || die create
  local IFS=';'; for o in $MX_OPTS; do IFS=' '; mx volume set $MX_VOL $o >&2 || die "set $o"; IFS=';'; done; IFS=$' \t\n'
  mx volume start $MX_VOL >&2 || die start
  [[ $MX_MOUNT != --thin ]] || wait_for 20 mx proxy status > /dev/null || die proxy
  sleep 2
}
mx_proxy_pid() { cat "$MYRMEX_WORKDIR/proxy-worker.pid" 2>/dev/null; }
mx_launcher_pid() { cut -d" " -f1 "$MYRMEX_WORKDIR/proxy.pid" 2>/dev/null; }
mx_brick_pid() { cut -d' ' -f1 "$MYRMEX_WORKDIR/brick.pid" 2>/dev/null; }
sys_down() {
  local p q; p=$(mx_brick_pid) q=$(mx_launcher_pid)
  timeout 30 "$MYRMEX_EXE" gluster --mode=script volume stop $MX_VOL >&2 < /dev/null
  stop_pid "$MX_DAEMON"; stop_pid "$p"; [[ -z $q ]] || stop_pid "$q"
  bricks_down
}
sys_mount() {
  local dir=$1 c=${2:-1}
  mkdir -p "$dir"
  mx mount $MX_MOUNT -o "volfile-server-port=$MYRMEX_PORT,pid-file=$SYS_DIR/client$c.pid,log-file=$SYS_DIR/client$c.log" "127.0.0.1:/$MX_VOL" "$dir" \
    9>&- || die mount
  wait_for 20 ls "$dir" || die "mount does not answer"
}
sys_umount() { is_mnt "$1" || return 0; wait_for 5 umount "$1" || umount -l "$1"; sleep 0.3; }
sys_pids() {
  local f p
  for f in "$SYS_DIR"/client*.pid; do [[ -s $f ]] && p=$(cut -d' ' -f1 "$f") && kill -0 "$p" 2>/dev/null && echo "client $p"; done
  p=$(mx_proxy_pid); [[ -z $p ]] || echo "proxy $p"
  echo "brick $(mx_brick_pid)"; echo "mgmt $MX_DAEMON"
}
sys_brick_signal() { kill -"$2" "$(mx_brick_pid)"; }
