random 11 2000000 > a
py <<'P'
import os
s = os.open("a", os.O_RDONLY); d = os.open("b", os.O_CREAT | os.O_RDWR)
left = 1500000; so = 100000; do = 7
while left:
    n = os.copy_file_range(s, d, left, so, do); assert n > 0; left -= n; so += n; do += n
P
sha256sum b; show b; cp --reflink=auto a c; cmp a c && echo equal
