touch -d '1999-12-31 23:59:59.987654321' a; stat -c '%x %y' a
touch -a -d '2005-05-05 05:05:05' a; touch -m -d '2006-06-06 06:06:06.5' a; stat -c '%x %y' a
touch -r a b; stat -c %y b
touch -d '1965-01-01' c; stat -c %y c; touch -d '2038-01-20' c; stat -c %y c
mkdir d; touch -d '2001-01-01' d; stat -c %y d
py <<'P'
import os, time
def newer(what, f, path, field):
    old = getattr(os.stat(path), field); time.sleep(0.05); f(); new = getattr(os.stat(path), field)
    print(what, "newer" if new > old else "same" if new == old else "older")
def write(p, s="x"):
    with open(p, "a") as f: f.write(s)
newer("write mtime", lambda: write("a"), "a", "st_mtime_ns")
newer("write ctime", lambda: write("a"), "a", "st_ctime_ns")
newer("chmod ctime", lambda: os.chmod("a", 0o600), "a", "st_ctime_ns")
newer("chmod mtime", lambda: os.chmod("a", 0o640), "a", "st_mtime_ns")
newer("link ctime", lambda: os.link("a", "a2"), "a", "st_ctime_ns")
newer("create in dir mtime", lambda: write("d/f"), "d", "st_mtime_ns")
newer("write in dir mtime", lambda: write("d/f"), "d", "st_mtime_ns")
newer("rename in dir mtime", lambda: os.rename("d/f", "d/g"), "d", "st_mtime_ns")
newer("truncate mtime", lambda: os.truncate("a", 1), "a", "st_mtime_ns")
newer("setxattr mtime", lambda: os.setxattr("a", "user.t", b"2"), "a", "st_mtime_ns")
drift = abs(os.stat("a").st_mtime - time.time()); print("clock", "right" if drift < 30 else drift)
P
