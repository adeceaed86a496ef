# The stock client answers these from its attribute cache, up to a second late.
mkdir d; touch d/g a
py <<'P'
import os, time
def newer(what, f, path, field):
    old = getattr(os.stat(path), field); time.sleep(0.05); f(); new = getattr(os.stat(path), field)
    print(what, "newer" if new > old else "same" if new == old else "older")
newer("unlink in dir mtime", lambda: os.unlink("d/g"), "d", "st_mtime_ns")
newer("setxattr ctime", lambda: os.setxattr("a", "user.t", b"1"), "a", "st_ctime_ns")
newer("removexattr ctime", lambda: os.removexattr("a", "user.t"), "a", "st_ctime_ns")
newer("chown ctime", lambda: os.chown("a", 1, 1), "a", "st_ctime_ns")
newer("unlink other name ctime", lambda: (os.link("a", "b"), os.unlink("b")), "a", "st_ctime_ns")
P
