"""Clients that read and write the same pages at the same time, and write down what they saw, for a checker of linearizability.

usage: histories.py make DIR COUNT              makes COUNT files of one page that hold 0
       histories.py run DIR COUNT LOG CLIENT    works on file after file until all had their turn or standard input is closed

All clients of one machine are at the same file at the same time: a turn lasts a second, and a client does at most 12 operations in it, so
the history of a file stays short. LOG gets a line an operation: FILE BEGIN END KIND VALUE, times in microseconds of the clock of the
machine; END is - for an operation that failed, of which nobody knows whether it took effect. No value is written twice.
"""
import mmap
import os
import random
import sys
import threading
import time

SIZE = 4096
OPERATIONS_MAX = 12


def now():
    return time.monotonic_ns() // 1000


def page_of(value):
    page = mmap.mmap(-1, SIZE)
    page.write(value.to_bytes(8, "little") * (SIZE // 8))
    return page


def make(directory, count):
    os.makedirs(directory, exist_ok=True)
    for number in range(count):
        with open(os.path.join(directory, f"p{number}"), "wb") as file:
            file.write(page_of(0))
            os.fsync(file.fileno())


def operate(fd, page, value):
    """Writes the value, or reads one when it is None; answers what is there now or was seen."""
    if value is not None:
        if os.pwrite(fd, page_of(value), 0) != SIZE:
            raise OSError("a short write")
        return value
    if os.preadv(fd, [page], 0) != SIZE:
        raise OSError("a short read")
    words = {bytes(page[i:i + 8]) for i in range(0, SIZE, 8)}
    if len(words) != 1:
        raise SystemExit("a torn page")
    return int.from_bytes(words.pop(), "little")


def turn(directory, number, client, log, ends):
    fd = os.open(os.path.join(directory, f"p{number}"), os.O_RDWR | os.O_DIRECT)
    page = mmap.mmap(-1, SIZE)
    for serial in range(1, OPERATIONS_MAX + 1):
        value = None if random.random() < 0.5 else (client << 32) | (number << 8) | serial
        begin = now()
        try:
            seen = operate(fd, page, value)
            log.write(f"{number} {begin} {now()} {'r' if value is None else 'w'} {seen}\n")
        except OSError:
            log.write(f"{number} {begin} - {'r' if value is None else 'w'} {value or 0}\n")
        if time.monotonic() > ends:
            break
        time.sleep(random.random() * 0.06)
    log.flush()
    os.close(fd)


def run(directory, count, log_path, client):
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    first = int(time.monotonic()) + 1
    print("ready", flush=True)
    with open(log_path, "w", encoding="ascii") as log:
        while not ended.is_set():
            number = int(time.monotonic()) - first
            if number >= count:
                break
            if number >= 0:
                turn(directory, number, client, log, first + number + 1)
            time.sleep(max(0, first + number + 1 - time.monotonic()))
    print("done", flush=True)


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]))
else:
    run(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
