"""Writes files with fsync and keeps a record of what was acknowledged.

usage: writer.py write DIR RECORD SECONDS [SEED]    until the time is over or standard input is closed
       writer.py verify DIR RECORD                   prints "acknowledged N missing M wrong W"

Every file is written under a temporary name, fsynced and renamed; its name and checksum go to RECORD (a local file) only after fsync,
close and rename have all succeeded. A second kind of promise is a log that is kept open: every line is fsynced before it is recorded.
An error makes the file at hand not acknowledged, nothing more: the writer goes on, as the copy program of a patient user would. A
full disk (ENOSPC) is not counted as an error.
"""
import errno
import hashlib
import os
import random
import sys
import threading
import time


def note(record, text):
    record.write(text + "\n")
    record.flush()


def write_file(directory, number, data):
    path = os.path.join(directory, f"t{number}")
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    try:
        done = 0
        while done < len(data):
            done += os.write(fd, data[done:done + 65536])
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(path, os.path.join(directory, f"f{number}"))


class Log:
    """The open log: after an error it is opened again, and a line that may have been written twice is given a new number."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "log")
        self.fd = -1

    def line(self, text):
        if self.fd < 0:
            self.fd = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
        try:
            os.write(self.fd, (text + "\n").encode())
            os.fsync(self.fd)
        except OSError:
            fd, self.fd = self.fd, -1
            try:
                os.close(fd)
            except OSError:
                pass
            raise


def write(directory, record_path, seconds, seed):
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    rnd = random.Random(seed)
    end = time.monotonic() + seconds
    log = Log(directory)
    errors = written = number = 0
    with open(record_path, "a", encoding="ascii") as record:
        while time.monotonic() < end and not ended.is_set():
            number += 1
            data = rnd.randbytes(rnd.choice((0, 1, 100, 4096, 70000, 400000)))
            try:
                write_file(directory, number, data)
                note(record, f"file f{number} {hashlib.sha256(data).hexdigest()}")
                log.line(f"line {number}")
                note(record, f"line {number}")
                written += 1
            except OSError as error:
                errors += error.errno != errno.ENOSPC
                note(record, f"error {number} {error.strerror}")
                time.sleep(0.05)
    print(f"written {written} errors {errors}")


def verify(directory, record_path):
    acknowledged = wrong = 0
    missing = []
    lines = lines_of(directory)
    for words in (line.split() for line in open(record_path, encoding="ascii")):
        if words[0] == "error":
            continue
        acknowledged += 1
        if words[0] == "line":
            if f"line {words[1]}" not in lines:
                missing.append(f"line {words[1]}")
            continue
        try:
            with open(os.path.join(directory, words[1]), "rb") as file:
                wrong += 0 if hashlib.sha256(file.read()).hexdigest() == words[2] else 1
        except FileNotFoundError:
            missing.append(words[1])
    if missing:
        tell(directory, missing, len(lines))
    print(f"acknowledged {acknowledged} missing {len(missing)} wrong {wrong}")


def lines_of(directory):
    try:
        with open(os.path.join(directory, "log"), encoding="ascii") as log:
            return set(log.read().split("\n"))
    except FileNotFoundError:
        print(f"the log is not there; a listing {'has' if 'log' in os.listdir(directory) else 'lacks'} it")
        return set()


def tell(directory, missing, seen):
    """What is missing, and whether it is there a little later: then the mount was late, and nothing is lost."""
    size = size_of(directory)
    time.sleep(5)
    lines = lines_of(directory)
    there = [name for name in missing if name in lines or os.path.exists(os.path.join(directory, name))]
    print(f"missing: {', '.join(missing[:40])}; there 5 s later: {', '.join(there[:40]) or 'none'}; "
          f"lines of the log {seen} then and {len(lines)} later, its size {size} and {size_of(directory)}")


def size_of(directory):
    try:
        return os.stat(os.path.join(directory, "log")).st_size
    except FileNotFoundError:
        return -1


if sys.argv[1] == "write":
    write(sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5]) if len(sys.argv) > 5 else 1)
else:
    verify(sys.argv[2], sys.argv[3])
