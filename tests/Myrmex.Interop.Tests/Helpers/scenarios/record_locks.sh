py <<'P'
import fcntl, os, struct, errno
f = open("f", "w+b"); f.write(b"x" * 100); f.flush()
def other(kind, start, length):
    r, w = os.pipe(); pid = os.fork()
    if pid == 0:
        g = open("f", "r+b")
        try: fcntl.lockf(g, kind | fcntl.LOCK_NB, length, start); os.write(w, b"granted")
        except OSError as e: os.write(w, errno.errorcode[e.errno].encode())
        os._exit(0)
    os.waitpid(pid, 0); return os.read(r, 100).decode()
fcntl.lockf(f, fcntl.LOCK_EX, 10, 20)
print(other(fcntl.LOCK_EX, 0, 20), other(fcntl.LOCK_EX, 25, 1), other(fcntl.LOCK_EX, 30, 0), other(fcntl.LOCK_SH, 19, 2))
fcntl.lockf(f, fcntl.LOCK_SH, 10, 20); print(other(fcntl.LOCK_SH, 25, 1), other(fcntl.LOCK_EX, 25, 1))
fcntl.lockf(f, fcntl.LOCK_UN, 4, 23); print(other(fcntl.LOCK_EX, 23, 4), other(fcntl.LOCK_EX, 22, 1), other(fcntl.LOCK_EX, 27, 1))
f2 = open("f"); f2.close(); print("closed another fd:", other(fcntl.LOCK_EX, 0, 0))
fcntl.flock(f, fcntl.LOCK_EX); g = open("f")
try: fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB); print("flock granted")
except OSError as e: print("flock", errno.errorcode[e.errno])
fcntl.flock(f, fcntl.LOCK_UN); fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB); print("flock granted")
P
