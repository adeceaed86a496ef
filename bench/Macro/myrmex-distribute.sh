# Myrmex, own FUSE client, distribute over 3 bricks (one copy), default options. For a benchmark harness that sources a system file:
# it provides bricks_up, bricks_down, wait_for, stop_pid, is_fuse, SYS_DIR and BRICK_DIRS. MYRMEX_EXE names the executable.
: "${MYRMEX_EXE:?path of the built myrmex executable}" "${MYRMEX_PORT:=25007}" "${MYRMEX_BRICK_PORT:=50152}"
MX_VOL=benchv
mx() { "$MYRMEX_EXE" --working-directory="$SYS_DIR/daemon" "$@"; }
sys_caps() { echo "mount fio brickkill"; }
sys_up() {
  local d list=()
  bricks_up 3
  for d in "${BRICK_DIRS[@]}"; do list+=("127.0.0.1:$d/b1"); done
  mkdir -p "$SYS_DIR/daemon"
  "$MYRMEX_EXE" daemon --working-directory "$SYS_DIR/daemon" --bind 127.0.0.1 --port "$MYRMEX_PORT" --log-file "$SYS_DIR/daemon.log" &
  MX_DAEMON=$!
  wait_for 20 "$MYRMEX_EXE" volume --working-directory "$SYS_DIR/daemon" list || die "daemon does not answer"
  "$MYRMEX_EXE" volume --working-directory "$SYS_DIR/daemon" create $MX_VOL "${list[@]}" force >&2 || die create
  "$MYRMEX_EXE" volume --working-directory "$SYS_DIR/daemon" start $MX_VOL >&2 || die start
  sleep 2
}
mx_brick_pid() { cat "$SYS_DIR/daemon/brick.pid" 2>/dev/null; }
sys_down() {
  "$MYRMEX_EXE" volume --working-directory "$SYS_DIR/daemon" --mode=script stop $MX_VOL >&2
  stop_pid "$MX_DAEMON"; stop_pid "$(mx_brick_pid)"
  bricks_down
}
sys_mount() {
  local dir=$1 c=${2:-1}
  mkdir -p "$dir"
  "$MYRMEX_EXE" mount -o "server-port=$MYRMEX_PORT,pid-file=$SYS_DIR/client$c.pid,log-file=$SYS_DIR/client$c.log" "127.0.0.1:/$MX_VOL" "$dir" || die mount
  wait_for 20 ls "$dir" || die "mount does not answer"
}
sys_umount() { is_mnt "$1" || return 0; wait_for 5 umount "$1" || umount -l "$1"; sleep 0.3; }
sys_pids() {
  local f
  for f in "$SYS_DIR"/client*.pid; do [[ -s $f ]] && kill -0 "$(cat "$f")" 2>/dev/null && echo "client $(cat "$f")"; done
  echo "brick $(mx_brick_pid)"; echo "mgmt $MX_DAEMON"
}
sys_brick_signal() { kill -"$2" "$(mx_brick_pid)"; }
