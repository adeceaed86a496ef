# The stock distribute translator sets attributes by name, which an unlinked file has not.
py <<'P'
import os
fd = os.open("f", os.O_CREAT | os.O_RDWR); os.unlink("f")
os.fchmod(fd, 0o600); os.fchown(fd, 3, 4); os.utime(fd, (1, 2)); s = os.fstat(fd); print(oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime)
os.setxattr(fd, "user.a", b"b"); print(os.getxattr(fd, "user.a"))
P
