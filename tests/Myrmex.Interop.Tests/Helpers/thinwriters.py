#!/usr/bin/env python3
"""Writers of many kinds on one mount until a file appears; each checks at the end that everything took effect once.

usage: thinwriters.py DIRECTORY STOP-FILE
Prints the longest operation in seconds, and how many there were; exit code 1 with the errors when there were some."""
import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

root, stop = sys.argv[1:3]
lock = threading.Lock()
errors, longest, count = [], {}, 0


def timed(kind, function, *arguments):
    global count
    began = time.monotonic()
    try:
        return function(*arguments)
    except OSError as error:
        raise RuntimeError(f"{kind} {arguments[:1]} at {time.strftime('%T')}: {error}") from error
    finally:
        took = time.monotonic() - began
        with lock:
            count += 1
            longest[kind] = max(longest.get(kind, 0), took)


def going():
    return not os.path.exists(stop)


def appender():
    fd = os.open(root + "/append.log", os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o644)
    lines = 0
    while going():
        timed("append", os.write, fd, b"%08d\n" % lines)
        lines += 1
        if lines % 5 == 0:
            timed("fsync", os.fsync, fd)
    os.close(fd)
    with open(root + "/append.log", "rb") as file:
        assert file.read() == b"".join(b"%08d\n" % i for i in range(lines)), "the log is not what was appended"


def names():
    number = 0
    while going():
        path = f"{root}/name{number}"
        fd = timed("create", os.open, path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        os.write(fd, b"x" * 100)
        timed("close", os.close, fd)
        timed("rename", os.rename, path, path + "r")
        timed("link", os.link, path + "r", path + "l")
        timed("symlink", os.symlink, "x", path + "s")
        for left in "rls":
            timed("unlink", os.unlink, path + left)
        timed("mkdir", os.mkdir, path)
        timed("rmdir", os.rmdir, path)
        number += 1


def large():
    number = 0
    while going():
        data, path = os.urandom(1 << 20) * 8, f"{root}/large{number % 3}"
        with open(path, "wb") as file:
            timed("write 8 MiB", file.write, data)
            file.flush()
            timed("fsync 8 MiB", os.fsync, file.fileno())
        with open(path, "rb") as file:
            assert hashlib.sha1(timed("read 8 MiB", file.read)).digest() == hashlib.sha1(data).digest(), path
        number += 1


def database():
    db = sqlite3.connect(root + "/db.sqlite", timeout=60, isolation_level=None)
    db.execute("create table t (n integer primary key)")
    rows = 0

    def insert():
        db.execute("begin immediate")
        db.execute("insert into t values (?)", (rows,))
        db.execute("commit")

    while going():
        timed("transaction", insert)
        rows += 1
    assert db.execute("select count(*), max(n) from t").fetchone() == (rows, rows - 1), "rows of the database"
    assert db.execute("pragma integrity_check").fetchone()[0] == "ok"


def repository():
    where = root + "/git"
    who = {f"GIT_{a}_{b}": "a@b" for a in ("AUTHOR", "COMMITTER") for b in ("NAME", "EMAIL")}

    def git(*arguments):
        done = subprocess.run(
            ["git", "-C", where, *arguments], env={**os.environ, **who}, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"git {arguments}: {done.stderr[-300:]}")
        return done.stdout

    os.makedirs(where)
    git("init", "-q")
    commits = 0
    while going():
        for i in range(5):
            with open(f"{where}/f{(commits + i) % 20}", "w", encoding="ascii") as file:
                file.write(str(commits))
        git("add", "-A")
        timed("commit", git, "commit", "-qm", str(commits))
        commits += 1
    git("fsck", "--full")
    assert commits == 0 or int(git("rev-list", "--count", "HEAD")) == commits, "commits"


def locker():
    fd = os.open(root + "/lock", os.O_CREAT | os.O_RDWR)
    rounds = 0
    while going():
        timed("lock", fcntl.lockf, fd, fcntl.LOCK_EX)
        value = int(os.pread(fd, 20, 0) or b"0")
        timed("pwrite", os.pwrite, fd, b"%020d" % (value + 1), 0)
        rounds += 1
        timed("unlock", fcntl.lockf, fd, fcntl.LOCK_UN)
        time.sleep(0.01)
    assert int(os.pread(fd, 20, 0)) == rounds, "a change under the lock is lost"


def lister():
    os.makedirs(root + "/many")
    for i in range(300):
        with open(f"{root}/many/f{i}", "w", encoding="ascii"):
            pass
    while going():
        assert len(timed("listing", os.listdir, root + "/many")) == 300, "a listing is not complete"
        time.sleep(0.05)


def guarded(function):
    try:
        function()
    except BaseException as error:  # Whatever it is, it is what the test is about.
        with lock:
            errors.append(f"{function.__name__}: {error!r}")


writers = [appender, names, large, locker, lister]
if os.environ.get("THIN_MORE"):
    writers += [database] + ([repository] if shutil.which("git") else [])
threads = [threading.Thread(target=guarded, args=(w,)) for w in writers]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
kind = max(longest, key=longest.get)
print(f"{longest[kind]:.3f} {count} {kind}")
if errors:
    sys.exit("\n".join(errors))
