# Workload: what one client, and six clients at once, write and read over links of BENCH_NET_RATE; for systems with hosts of their own (ns-*).
# One writes CHART_MB (4096) in blocks of 1 MiB with fsync at the end and reads it cold; then six write CHART_SIX_MB (768) each, and read.
# A workload file for a harness that provides step, emit, calc, now, cold, fio_json, sys_mount, sys_umount and sys_fio.
wl_needs=ns
chart_six() { # NAME RW
  local i pids=() t0; t0=$(now)
  for i in 1 2 3 4 5 6; do
    local m=$MNT; [[ $i == 1 ]] || m=$MNT.$i
    fio --name=chart --output=/dev/null --ioengine=psync --filename="$m/wl/six.$i" --rw="$2" --bs=1m --size="${CHART_SIX_MB:-768}m" --end_fsync=1 \
      --fallocate=none --invalidate=0 & pids+=($!)
  done
  for i in "${pids[@]}"; do wait "$i" || emit "$1.FAILED" 1 rc; done
  emit "$1.bw" "$(calc "6*${CHART_SIX_MB:-768}/($(now) - $t0)" 1)" MiB/s
}
chart_mounts() { local i; for i in 2 3 4 5 6; do "$@" "$MNT.$i" "$i"; done; }
wl_run() {
  step one_write fio_json one_write $(sys_fio wl) --rw=write --bs=1m --size="${CHART_MB:-4096}m" --end_fsync=1 --fallocate=none
  cold
  step one_read fio_json one_read $(sys_fio wl) --rw=read --bs=1m --size="${CHART_MB:-4096}m" --invalidate=0
  rm -f "$MNT"/wl/*
  chart_mounts sys_mount
  step six_write chart_six six_write write
  chart_mounts sys_umount; cold
  chart_mounts sys_mount
  step six_read chart_six six_read read
  chart_mounts sys_umount
}
