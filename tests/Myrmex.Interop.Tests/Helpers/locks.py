"""A process with one open file that takes fcntl locks on command.

usage: locks.py FILE. One command a line on standard input, one answer a line:
  lock ex|sh START LENGTH   waits; answers "granted", or the name of the errno
  try ex|sh START LENGTH    does not wait
  unlock START LENGTH
  test ex|sh START LENGTH   "free", or "held ex|sh START LENGTH" (F_GETLK)
  contend ROUNDS DIR        ROUNDS times: lock all, prove that nobody else is inside, unlock; "violations N"
"""
import errno
import fcntl
import os
import struct
import sys
import time

KINDS = {"ex": fcntl.F_WRLCK, "sh": fcntl.F_RDLCK, "un": fcntl.F_UNLCK}
FLOCK = "hhqqi"
NAMES = {value: key for key, value in KINDS.items()}


def flock(kind, start, length):
    return struct.pack(FLOCK, KINDS[kind], os.SEEK_SET, start, length, 0)


def inside(directory):
    """True when no other process is inside: O_EXCL is decided by the brick, whatever clients cache."""
    path = os.path.join(directory, "inside")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    time.sleep(0.001)
    os.unlink(path)
    return True


def contend(fd, rounds, directory):
    violations = 0
    for _ in range(rounds):
        fcntl.fcntl(fd, fcntl.F_SETLKW, flock("ex", 0, 0))
        violations += 0 if inside(directory) else 1
        fcntl.fcntl(fd, fcntl.F_SETLK, flock("un", 0, 0))
    return violations


def answer(fd, words):
    if words[0] == "contend":
        return f"violations {contend(fd, int(words[1]), words[2])}"
    if words[0] == "unlock":
        fcntl.fcntl(fd, fcntl.F_SETLK, flock("un", int(words[1]), int(words[2])))
        return "granted"
    lock = flock(words[1], int(words[2]), int(words[3]))
    if words[0] == "test":
        kind, _, start, length, _ = struct.unpack(FLOCK, fcntl.fcntl(fd, fcntl.F_GETLK, lock))
        return "free" if kind == fcntl.F_UNLCK else f"held {NAMES[kind]} {start} {length}"
    fcntl.fcntl(fd, fcntl.F_SETLKW if words[0] == "lock" else fcntl.F_SETLK, lock)
    return "granted"


def main():
    fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o666)
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            print(answer(fd, line.split()), flush=True)
        except OSError as error:
            print(errno.errorcode[error.errno], flush=True)


main()
