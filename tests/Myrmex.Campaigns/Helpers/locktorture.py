"""Clients that fight for fcntl locks on one file, and a check that each lock was held by whoever believed to hold it.

usage: locktorture.py run FILE GUARDS LOG CLIENT   until standard input is closed; prints "ready", then "done"
       locktorture.py check FILE LOG...            prints "locks N increments N refused N wrong N", then every fault

What a lock guards is guarded a second time by flock on a local file in GUARDS, which nothing can take away: who is given the lock of the
volume and not the local one has found somebody else inside. Under an exclusive lock a counter in the file is read and written; under all
of them the file is read now and then, so that an fd with locks is used all the time. Some locks are kept for seconds. Client 0 keeps one
range for itself as long as it runs, which all others try to get. A line of LOG: BEGIN END KIND VALUE, in microseconds of the clock of the
machine; END is - for what failed. Kinds: k a lock that was waited for, t one that was tried, u unlock, r read, w write, v found somebody
inside.
"""
import errno
import fcntl
import mmap
import os
import random
import struct
import sys
import threading
import time

RANGES = 4
KEPT = RANGES  # The range of client 0.
SIZE = 4096
FLOCK = "hhqqi"
KEEP_LONG = 0.05  # Part of the locks that are kept for seconds.


def now():
    return time.monotonic_ns() // 1000


class Client:
    def __init__(self, path, guards, log, number):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT | os.O_DSYNC, 0o644)  # Past the caches of the mount.
        self.page = mmap.mmap(-1, SIZE)
        self.guards = [os.open(os.path.join(guards, f"guard{n}"), os.O_RDWR | os.O_CREAT, 0o644) for n in range(RANGES + 1)]
        self.log = open(log, "a", encoding="ascii")
        self.random = random.Random(number)
        self.number = number
        self.ended = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), self.ended.set()), daemon=True).start()

    def note(self, begin, end, kind, value):
        self.log.write(f"{begin} {end} {kind} {value}\n")
        self.log.flush()

    def timed(self, kind, value, action):
        """The result of the action; None when it failed, which is in the log."""
        begin = now()
        try:
            result = action()
            self.note(begin, now(), kind, value)
            return result
        except OSError as error:
            self.note(begin, "-", kind, errno.errorcode.get(error.errno, error.errno))
            time.sleep(0.05)
            return None

    def lock(self, kind, n, waits):
        """False when somebody has it, or it failed."""
        begin = now()
        packed = struct.pack(FLOCK, kind, os.SEEK_SET, n * SIZE, SIZE, 0)
        name = "u" if kind == fcntl.F_UNLCK else "k" if waits else "t"
        try:
            fcntl.fcntl(self.fd, fcntl.F_SETLKW if waits else fcntl.F_SETLK, packed)
            self.note(begin, now(), name, f"{n}")
            return True
        except OSError as error:
            if name == "t" and error.errno in (errno.EAGAIN, errno.EACCES):
                self.note(begin, now(), name, "no")
            else:
                self.note(begin, "-", name, errno.errorcode.get(error.errno, error.errno))
            return False

    def enter(self, n, exclusive):
        try:
            fcntl.flock(self.guards[n], (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            self.note(now(), "-", "v", f"range{n}{'ex' if exclusive else 'sh'}")

    def read(self, n):
        self.page[:] = bytes(SIZE)
        return self.timed("r", n, lambda: os.preadv(self.fd, [self.page], n * SIZE) >= 0 and int(self.page[:20].strip(b"\0") or b"0"))

    def write(self, n, value):
        self.page[:20] = b"%020d" % value
        self.timed("w", n, lambda: os.pwrite(self.fd, self.page, n * SIZE))

    def use(self, n, exclusive):
        self.enter(n, exclusive)
        value = self.read(n)
        if exclusive and value is not None:
            self.write(n, value + 1)
        end = time.monotonic() + (self.random.uniform(1, 6) if self.random.random() < KEEP_LONG else self.random.random() * 0.03)
        while time.monotonic() < end and not self.ended.is_set():
            time.sleep(0.02)
            now_there = self.read(n)
            if exclusive and None not in (value, now_there) and now_there != value + 1:
                self.note(now(), "-", "v", f"counter{n}")
        fcntl.flock(self.guards[n], fcntl.LOCK_UN)
        self.lock(fcntl.F_UNLCK, n, False)

    def run(self):
        if self.number == 0:
            self.lock(fcntl.F_WRLCK, KEPT, True)
            self.enter(KEPT, True)
        print("ready", flush=True)
        while not self.ended.is_set():
            tries_kept = self.number != 0 and self.random.random() < 0.1
            n = KEPT if tries_kept else self.random.randrange(RANGES)
            exclusive = self.random.random() < 0.7
            waits = not tries_kept and self.random.random() < 0.6
            if self.lock(fcntl.F_WRLCK if exclusive else fcntl.F_RDLCK, n, waits):
                self.use(n, exclusive)
            time.sleep(self.random.random() * 0.02)
        os.close(self.fd)
        print("done", flush=True)


def check(path, logs):
    locks = refused = 0
    written = [0] * (RANGES + 1)
    faults = []
    for log in logs:
        for line in open(log, encoding="ascii"):
            begin, end, kind, value = line.split()
            if end == "-":
                faults.append(f"{os.path.basename(log)} at {begin} {kind} {value}")
            elif kind == "w":
                written[int(value)] += 1
            elif value == "no":
                refused += 1
            elif kind in "kt":
                locks += 1
    with open(path, "rb", buffering=0) as file:
        for n, count in enumerate(written):
            file.seek(n * SIZE)
            found = int(file.read(20).strip(b"\0") or b"0")
            if found != count:
                faults.append(f"range {n} was counted up {count} times and is {found}")
    print(f"locks {locks} increments {sum(written)} refused {refused} wrong {len(faults)}")
    print("\n".join(faults[:10]), file=sys.stderr)


if sys.argv[1] == "run":
    Client(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])).run()
else:
    check(sys.argv[2], sys.argv[3:])
