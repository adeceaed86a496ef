"""One value that is written and read all the time, on one mount or on many: no acknowledged value may be lost or seen to go back.

usage: registers.py write FILE LOG          rewrites the first 4 KiB of FILE with O_DIRECT and O_DSYNC
       registers.py read FILE LOG           reads them with O_DIRECT
       registers.py check LOG...            prints "writes W reads R stale S errors E longest MS full F", then every fault

A writer or reader runs until standard input is closed. LOG gets a line an operation: BEGIN END KIND VALUE, in microseconds of the clock
of the machine; END is - and VALUE the errno for an operation that failed. The one writer writes 1, 2, 3 ... A read is stale when it saw
a value below one that was acknowledged before the read began, or below one that a read saw which had ended before it began. ENOSPC
is no fault here: it is counted.
"""
import errno
import mmap
import os
import sys
import threading
import time

SIZE = 4096
PAUSE = 0.005


def now():
    return time.monotonic_ns() // 1000


def page_of(number):
    page = mmap.mmap(-1, SIZE)
    page.write(f"{number:032d}".encode() * (SIZE // 32))
    return page


def value_in(page):
    words = {bytes(page[i:i + 32]) for i in range(0, SIZE, 32)}
    if len(words) != 1:
        raise SystemExit(f"a torn page: {sorted(words)[:3]}")
    return int(words.pop())


def until_end():
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    return ended


def loop(log_path, kind, once):
    ended = until_end()
    with open(log_path, "a", encoding="ascii") as log:
        number = 0
        while not ended.is_set():
            number += 1
            begin = now()
            try:
                value = once(number)
                log.write(f"{begin} {now()} {kind} {value}\n")
            except OSError as error:
                log.write(f"{begin} - {kind} {errno.errorcode.get(error.errno, error.errno)}\n")
                time.sleep(0.05)
            log.flush()
            time.sleep(PAUSE)
    print("done", flush=True)


def write(path, log):
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT | os.O_DSYNC, 0o644)
    os.pwrite(fd, page_of(0), 0)
    print("ready", flush=True)

    def once(number):
        if os.pwrite(fd, page_of(number), 0) != SIZE:
            raise OSError(errno.EIO, "a short write")
        return number

    loop(log, "w", once)


def read(path, log):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    page = mmap.mmap(-1, SIZE)
    print("ready", flush=True)

    def once(_):
        if os.preadv(fd, [page], 0) != SIZE:
            raise OSError(errno.EIO, "a short read")
        return value_in(page)

    loop(log, "r", once)


def check(paths):
    operations = []
    for path in paths:
        for line in open(path, encoding="ascii"):
            begin, end, kind, value = line.split()
            operations.append((int(begin), None if end == "-" else int(end), kind, value))
    operations.sort(key=lambda o: o[0])
    good = [(b, e, k, int(v)) for b, e, k, v in operations if e is not None]
    failed = [o for o in operations if o[1] is None and o[3] != "ENOSPC"]
    full = sum(o[1] is None and o[3] == "ENOSPC" for o in operations)
    # What every operation must see at least: the highest value known at an end before its begin.
    ends = sorted((e, v, k) for b, e, k, v in good)
    known = index = stale = 0
    faults = []
    for begin, _, kind, value in good:
        while index < len(ends) and ends[index][0] < begin:
            known = max(known, ends[index][1])
            index += 1
        if kind == "r" and value < known:
            stale += 1
            faults.append(f"at {begin} a read saw {value} after {known} was known")
    writes = [o for o in good if o[2] == "w"]
    longest = max((e - b for b, e, _, _ in good), default=0) // 1000
    print(f"writes {len(writes)} reads {len(good) - len(writes)} stale {stale} errors {len(failed)} longest {longest} "
          f"full {full}")
    for fault in faults[:10] + [f"at {b} {k} failed with {v}" for b, _, k, v in failed[:10]]:
        print(fault)
    return 1 if stale or failed else 0


if sys.argv[1] == "check":
    sys.exit(check(sys.argv[2:]))
elif sys.argv[1] == "write":
    write(sys.argv[2], sys.argv[3])
else:
    read(sys.argv[2], sys.argv[3])
