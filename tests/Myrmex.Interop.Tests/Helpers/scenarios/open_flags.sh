py <<'P'
import os, errno
def t(what, f):
    try: print(what, f())
    except OSError as e: print(what, errno.errorcode[e.errno])
def o(name, flags, mode=0o644):
    fd = os.open(name, flags, mode); os.close(fd); return "ok"
os.mkdir("d"); open("f", "w").write("12345")
os.symlink("f", "l"); os.symlink("loop", "loop"); os.symlink("nowhere", "dangling")
t("excl new", lambda: o("n", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
t("excl again", lambda: o("n", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
t("excl dangling", lambda: o("dangling", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
t("creat dangling", lambda: o("dangling", os.O_CREAT | os.O_WRONLY))
t("was made", lambda: os.stat("nowhere").st_size)
t("nofollow", lambda: o("l", os.O_RDONLY | os.O_NOFOLLOW))
t("loop", lambda: o("loop", os.O_RDONLY))
t("dir write", lambda: o("d", os.O_WRONLY))
t("dir as dir", lambda: o("d", os.O_RDONLY | os.O_DIRECTORY))
t("file as dir", lambda: o("f", os.O_RDONLY | os.O_DIRECTORY))
t("below file", lambda: o("f/x", os.O_RDONLY))
t("trunc", lambda: o("f", os.O_WRONLY | os.O_TRUNC)); t("size", lambda: os.stat("f").st_size)
fd = os.open("f", os.O_RDWR | os.O_APPEND)
os.write(fd, b"abc"); os.lseek(fd, 0, 0); os.write(fd, b"def"); print(os.pread(fd, 10, 0)); os.close(fd)
fd = os.open("f", os.O_RDONLY); t("write to read-only fd", lambda: os.write(fd, b"x")); os.close(fd)
fd = os.open("f", os.O_WRONLY); t("read of write-only fd", lambda: os.read(fd, 1)); os.close(fd)
fd = os.open("s", os.O_CREAT | os.O_RDWR | os.O_SYNC); os.write(fd, b"sync" * 5000); os.fsync(fd); os.fdatasync(fd); print(os.fstat(fd).st_size); os.close(fd)
fd = os.open("ro", os.O_CREAT | os.O_RDWR, 0o400); os.write(fd, b"mode does not bind the creator"); print(os.pread(fd, 40, 0)); os.close(fd)
P
tree
