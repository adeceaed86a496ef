random 5 100000 > f
for s in 50000 200000 4096 4097 1 0 131072; do truncate -s $s f; show f; sha256sum f; done
random 6 5000 > g; exec 3<> g; truncate -s 10 g; cat <&3 | sha256sum; exec 3<&-
truncate -s 5G big; show big; tail -c 10 big | od -An -c; echo end >> big; show big; tail -c 4 big; rm big
try truncate -s 5 missing/x
mkdir d; try truncate -s 5 d
py <<'P'
import os
fd = os.open("h", os.O_CREAT | os.O_RDWR); os.write(fd, b"0123456789"); os.ftruncate(fd, 4); print(os.pread(fd, 20, 0)); os.ftruncate(fd, 8); print(os.pread(fd, 20, 0)); print(os.fstat(fd).st_size)
P
