"""Works on files of every brick of a distribute volume at the same time, and tells which brick's files saw what.

usage: fleet.py run DIR STATE FILES NAME=BRICKDIR...    BRICKDIR is DIR as the brick has it
       fleet.py verify DIR STATE                        prints "files N wrong W", and the wrong ones on standard error

run makes files until every brick holds FILES of them, prints "ready" and works until standard input is closed or says "end". Each
brick has a thread that rewrites one of its files with a new number in every 16 bytes, fsyncs it, and reads it back through a new
descriptor; what comes back must be the number that was acknowledged. "status" prints a line of JSON about the time since the last one:
per brick the operations, the errors as [begin, end, words] in milliseconds since 1970, the longest operation (running ones count) and
when the last good one ended. STATE gets for every file the last acknowledged and the last attempted number.
"""
import errno
import json
import os
import sys
import threading
import time

CHUNK = 16
SIZE = 64 << 10


def now_ms():
    return int(time.time() * 1000)


def content(number):
    return f"{number:016d}".encode() * (SIZE // CHUNK)


def write_file(path, number):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        data = content(number)
        done = 0
        while done < len(data):
            done += os.pwrite(fd, data[done:], done)
        os.fsync(fd)
    finally:
        os.close(fd)


def numbers_in(path):
    with open(path, "rb", buffering=0) as file:
        data = file.read(SIZE + 1)
    if len(data) != SIZE:
        return {f"size {len(data)}"}
    return {data[i:i + CHUNK].decode(errors="replace") for i in range(0, SIZE, CHUNK)}


class Brick:
    def __init__(self, name, files):
        self.name = name
        self.files = [[path, 0, 0] for path in files]  # Path, last acknowledged, last attempted.
        self.lock = threading.Lock()
        self.began = 0
        self.good = 0
        self.reset()

    def reset(self):
        self.operations = 0
        self.worst = 0
        self.errors = []

    def work(self, ended):
        number = 0
        while not ended.is_set():
            number += 1
            self.once(self.files[number % len(self.files)], number)
            time.sleep(0.02)

    def once(self, file, number):
        with self.lock:
            self.began = now_ms()
        words = None
        try:
            file[2] = number
            write_file(file[0], number)
            file[1] = number
            seen = numbers_in(file[0])
            if seen != {f"{number:016d}"}:
                words = f"WRONG {file[0]}: wrote {number}, read {sorted(seen)[:3]}"
        except OSError as error:
            words = errno.errorcode.get(error.errno, str(error.errno))
        with self.lock:
            end = now_ms()
            self.operations += 1
            self.worst = max(self.worst, end - self.began)
            if words is None:
                self.good = end
            else:
                self.errors.append([self.began, end, words])
            self.began = 0

    def status(self):
        with self.lock:
            running = now_ms() - self.began if self.began else 0
            told = {
                "operations": self.operations, "errors": self.errors, "worstMs": max(self.worst, running), "goodMs": self.good,
            }
            self.reset()
            return told


def place(directory, count, bricks):
    """Makes files until each brick has enough; answers their paths by brick."""
    os.makedirs(directory, exist_ok=True)
    found = {name: [] for name in bricks}
    for number in range(2000):
        if all(len(files) >= count for files in found.values()):
            return found
        name = f"f{number}"
        path = os.path.join(directory, name)
        write_file(path, 0)
        for brick, brick_directory in bricks.items():
            try:
                # A link file of cluster/distribute has the sticky bit and nothing else.
                if os.stat(os.path.join(brick_directory, name)).st_mode & 0o7777 != 0o1000:
                    found[brick].append(path)
                    break
            except FileNotFoundError:
                pass
    raise SystemExit(f"the files do not spread: { {b: len(f) for b, f in found.items()} }")


def save(state, bricks):
    with open(state, "w", encoding="utf-8") as file:
        json.dump({os.path.basename(f[0]): f[1:] for b in bricks for f in b.files}, file)


def run(directory, state, count, words):
    found = place(directory, count, dict(word.split("=", 1) for word in words))
    bricks = [Brick(name, files[:count]) for name, files in found.items()]
    ended = threading.Event()
    threads = [threading.Thread(target=b.work, args=(ended,), daemon=True) for b in bricks]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "end":
            break
        print(json.dumps({b.name: b.status() for b in bricks}), flush=True)
    ended.set()
    for thread in threads:
        thread.join(120)
    save(state, bricks)
    print(json.dumps({b.name: b.status() for b in bricks}), flush=True)


def verify(directory, state):
    with open(state, encoding="utf-8") as file:
        files = json.load(file)
    wrong = 0
    for name, (acknowledged, attempted) in files.items():
        try:
            seen = numbers_in(os.path.join(directory, name))
            good = all(n.isdigit() and acknowledged <= int(n) <= attempted for n in seen)
        except OSError as error:
            seen, good = {error.strerror}, False
        if not good:
            wrong += 1
            print(f"{name}: acknowledged {acknowledged}, attempted {attempted}, found {sorted(seen)[:3]}", file=sys.stderr)
    print(f"files {len(files)} wrong {wrong}")


if sys.argv[1] == "run":
    run(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:])
else:
    verify(sys.argv[2], sys.argv[3])
