"""Works on one file at random and compares it with a copy in memory after every step.

usage: fsx.py FILE SEED      until standard input is closed; prints "ready", then "operations N wrong 0"

Reads, writes, appends, truncations, holes by seeking, mappings, copies within the file, fsync, opening anew with O_DIRECT reads in between.
The first difference ends it: its place, and the last steps, are printed in place of the count.
"""
import mmap
import os
import random
import sys
import threading

SIZE_MAX = 1 << 20
STEPS_SHOWN = 20


class Worker:
    def __init__(self, path, seed):
        self.path = path
        self.random = random.Random(seed)
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self.content = bytearray()
        self.steps = []

    def range(self, limit):
        start = self.random.randrange(max(1, limit))
        return start, self.random.randrange(1, 65537)

    def read(self):
        start, length = self.range(len(self.content) + 4096)
        self.compare(start, os.pread(self.fd, length, start), bytes(self.content[start:start + length]))
        return start, length

    def read_direct(self):
        """Past the kernel's cache of this mount."""
        start = self.random.randrange(SIZE_MAX // 4096) * 4096
        page = mmap.mmap(-1, 16384)
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECT)
        got = os.preadv(fd, [page], start)
        os.close(fd)
        self.compare(start, page[:got], bytes(self.content[start:start + 16384]))
        return start, 16384

    def write(self, start=None, length=None):
        if start is None:
            start, length = self.range(SIZE_MAX - 65536)
        data = self.random.randbytes(length)
        done = 0
        while done < length:
            done += os.pwrite(self.fd, data[done:], start + done)
        self.put(start, data)
        return start, length

    def append(self):
        return self.write(len(self.content), self.random.randrange(1, 4096)) if len(self.content) < SIZE_MAX else self.truncate()

    def truncate(self):
        size = self.random.randrange(SIZE_MAX)
        os.ftruncate(self.fd, size)
        self.content = self.content[:size] + bytes(max(0, size - len(self.content)))
        return (size,)

    def map(self):
        if len(self.content) < 8192:
            return self.append()
        start, length = self.range(len(self.content) - 4096)
        data = self.random.randbytes(min(length, len(self.content) - start))
        with mmap.mmap(self.fd, len(self.content)) as mapped:
            mapped[start:start + len(data)] = data
            mapped.flush()
        self.put(start, data)
        return start, len(data)

    def copy(self):
        if len(self.content) < 8192:
            return self.append()
        half = len(self.content) // 2
        length = os.copy_file_range(self.fd, self.fd, min(half, 65536), 0, half)
        self.put(half, bytes(self.content[:length]))
        return half, length

    def sync(self):
        os.fsync(self.fd)
        return ()

    def reopen(self):
        os.close(self.fd)
        self.fd = os.open(self.path, os.O_RDWR)
        self.compare(0, os.pread(self.fd, SIZE_MAX * 2, 0), bytes(self.content))
        return ()

    def put(self, start, data):
        if start > len(self.content):
            self.content += bytes(start - len(self.content))
        self.content[start:start + len(data)] = data

    def compare(self, start, found, expected):
        if found != expected:
            at = next((i for i, (a, b) in enumerate(zip(found, expected)) if a != b), min(len(found), len(expected)))
            print(f"differs at {start + at}: {len(found)} bytes for {len(expected)} after {self.steps}", flush=True)
            os._exit(1)

    def step(self):
        kinds = [self.read] * 4 + [self.write] * 5 + [
            self.read_direct, self.append, self.truncate, self.map, self.copy, self.sync, self.reopen]
        kind = self.random.choice(kinds)
        self.steps = self.steps[-STEPS_SHOWN:] + [(kind.__name__, *kind())]


ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
worker = Worker(sys.argv[1], int(sys.argv[2]))
print("ready", flush=True)
count = 0
while not ended.is_set():
    worker.step()
    count += 1
worker.reopen()
print(f"operations {count} wrong 0", flush=True)
