truncate -s 10M s; echo data | dd of=s bs=1 seek=5242880 conv=notrunc status=none
cp --sparse=always s t; cmp s t && echo equal; show s t; sha256sum t
[[ $(stat -c %b s) -lt 2048 ]] && echo few blocks
py <<'P'
import os, errno
fd = os.open("s", os.O_RDONLY)
def t(off, what):
    try: return os.lseek(fd, off, what)
    except OSError as e: return errno.errorcode[e.errno]
d = t(0, os.SEEK_DATA); h = t(5242880, os.SEEK_HOLE)
print("data found", d <= 5242880, "hole after", 5242880 < h <= 10485760, t(20 << 20, os.SEEK_DATA), t(20 << 20, os.SEEK_HOLE))
P
