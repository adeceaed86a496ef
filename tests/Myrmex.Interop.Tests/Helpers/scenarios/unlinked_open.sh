py <<'P'
import os
fd = os.open("f", os.O_CREAT | os.O_RDWR); os.write(fd, b"before")
os.unlink("f"); print(os.path.exists("f"), os.fstat(fd).st_nlink)
os.write(fd, b" and after"); print(os.pread(fd, 100, 0)); os.ftruncate(fd, 6); print(os.fstat(fd).st_size)
os.fsync(fd)
open("f", "w").write("another"); print(os.pread(fd, 100, 0), open("f").read()); os.close(fd); print(open("f").read())
a = os.open("x", os.O_CREAT | os.O_RDWR); os.write(a, b"old"); open("y", "w").write("new"); os.rename("y", "x")
print(os.pread(a, 9, 0), open("x").read()); os.write(a, b"er"); print(os.pread(a, 9, 0)); os.close(a)
P
tree
