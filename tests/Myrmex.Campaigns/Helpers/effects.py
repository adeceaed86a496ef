"""Clients that race for effects which can happen only once, and a check that they happened once.

usage: effects.py run DIR LOG CLIENT     races with the other clients until standard input is closed; prints "ready", then "done"
       effects.py check DIR LOG ...      checks what all of them were told; prints "creates N renames N appends N wrong N"

create: all try to make the same name with O_EXCL: one is told that it did. rename: all try to
move the file that the winner made: one does, the others hear that the source is not there. append: all append lines to one file: a line is there once and whole, those of one client in
its order, and a line whose append had ended before another's began stands before it. A line of the log: KIND BEGIN END RESULT KEY, with
times in microseconds; RESULT is ok, no, or an errno, which nothing allows here.
"""
import errno
import os
import sys
import threading
import time

LOSER = {"create": errno.EEXIST, "rename": errno.ENOENT}


def now():
    return time.monotonic_ns() // 1000


def attempt(log, kind, key, action):
    begin = now()
    try:
        action()
        result = "ok"
    except OSError as error:
        result = "no" if error.errno == LOSER.get(kind) else errno.errorcode[error.errno]
    log.write(f"{kind} {begin} {now()} {result} {key}\n")
    return result


def append(fd, line):
    if os.write(fd, line) != len(line):
        raise OSError(errno.EIO, "short")


def run(directory, log_path, client):
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    os.makedirs(directory, exist_ok=True)
    lines = os.open(os.path.join(directory, "lines"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    print("ready", flush=True)
    first = int(time.time() * 10)
    with open(log_path, "w", encoding="ascii") as log:
        serial = 0
        while not ended.is_set():
            # All clients of a machine are at the same names: a round has a tenth of a second.
            serial += 1
            round_ = int(time.time() * 10)
            path = os.path.join(directory, f"c{round_}")
            token = os.path.join(directory, f"t{round_}")
            made = attempt(log, "create", round_, lambda: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)))
            if made == "ok":
                os.close(os.open(token, os.O_CREAT | os.O_WRONLY, 0o644))  # The winner alone makes it, once.
            if made in ("ok", "no"):
                attempt(log, "rename", round_, lambda: os.rename(token, f"{token}.by{client}"))
            line = f"{client}.{serial}.{'x' * (serial * 37 % 900)}\n".encode()
            attempt(log, "append", f"{client}.{serial}", lambda: append(lines, line))
            time.sleep(max(0, (round_ + 1) / 10 - time.time()))
    os.close(lines)
    print("done", flush=True)


def read_logs(paths):
    for path in paths:
        with open(path, encoding="ascii") as log:
            for line in log:
                kind, begin, end, result, key = line.split()
                yield kind, int(begin), int(end), result, key


def check_appends(directory, appends):
    wrong = []
    seen = []
    with open(os.path.join(directory, "lines"), "rb") as lines:
        for line in lines.read().split(b"\n")[:-1]:
            client, serial, filling = line.decode("ascii", "replace").split(".")
            if filling != "x" * (int(serial) * 37 % 900):
                wrong.append(f"torn {line[:40]}")
            seen.append(f"{client}.{serial}")
    if len(seen) != len(set(seen)):
        wrong.append("a line is there twice")
    missing = set(appends) - set(seen)
    if missing:
        wrong.append(f"missing {sorted(missing)[:5]}")
    earliest = float("inf")  # End of any line behind.
    for key in reversed(seen):
        if key in appends:
            begin, end = appends[key]
            if earliest < begin:
                wrong.append(f"{key} stands before a line that was there before it")
            earliest = min(earliest, end)
    return wrong


def check(directory, paths):
    wrong = []
    winners = {"create": {}, "rename": {}}
    tried = {"create": set(), "rename": set()}
    appends = {}
    for kind, begin, end, result, key in read_logs(paths):
        if result not in ("ok", "no"):
            wrong.append(f"{kind} {key}: {result}")
        elif kind == "append":
            appends[key] = (begin, end)
        else:
            tried[kind].add(key)
            if result == "ok":
                winners[kind][key] = winners[kind].get(key, 0) + 1
    for kind, names in tried.items():
        wrong += [f"{kind} {key} was done {winners[kind].get(key, 0)} times" for key in names if winners[kind].get(key, 0) != 1]
    there = {name.split(".by")[0][1:] for name in os.listdir(directory) if ".by" in name}
    wrong += [f"renamed {key} is not there" for key in winners["rename"] if key not in there]
    wrong += check_appends(directory, appends)
    for line in wrong[:10]:
        print(line, file=sys.stderr)
    print(f"creates {len(tried['create'])} renames {len(tried['rename'])} appends {len(appends)} wrong {len(wrong)}")


if sys.argv[1] == "run":
    run(sys.argv[2], sys.argv[3], int(sys.argv[4]))
else:
    check(sys.argv[2], sys.argv[3:])
