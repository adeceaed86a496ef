"""Makes a git repository, commits to it, clones it and checks both, again and again.

usage: gitloop.py DIR SEED     until standard input is closed; prints "ready", then "commits N clones N wrong 0", or what went wrong
"""
import os
import random
import shutil
import subprocess
import sys
import threading

FILES = 20
COMMITS_PER_CLONE = 5
WHO = {f"GIT_{a}_{b}": "a@b" for a in ("AUTHOR", "COMMITTER") for b in ("NAME", "EMAIL")}


def git(where, *words):
    done = subprocess.run(
        ["git", "-C", where, *words], env={**os.environ, **WHO, "GIT_CONFIG_GLOBAL": "/dev/null"}, capture_output=True, text=True,
        check=False)
    if done.returncode:
        raise RuntimeError(f"git {' '.join(words)}: {done.stderr.strip()[-400:]}".replace("\n", " | "))
    return done.stdout


def commit(where, number, rnd, expected):
    for _ in range(4):
        name = f"d{rnd.randrange(4)}/f{rnd.randrange(FILES)}"
        os.makedirs(os.path.dirname(os.path.join(where, name)), exist_ok=True)
        expected[name] = rnd.randbytes(rnd.choice((10, 500, 9000))).hex()
        with open(os.path.join(where, name), "w", encoding="ascii") as file:
            file.write(expected[name])
    git(where, "add", "-A")
    git(where, "-c", "gc.auto=0", "commit", "-qm", str(number))


def clone_and_check(where, to, number, expected):
    git(os.path.dirname(to), "clone", "-q", "--no-local", where, to)
    git(to, "fsck", "--full", "--strict")
    count = int(git(to, "rev-list", "--count", "HEAD"))
    if count != number:
        raise RuntimeError(f"{count} commits in the clone, {number} were made")
    for name, text in expected.items():
        with open(os.path.join(to, name), encoding="ascii") as file:
            if file.read() != text:
                raise RuntimeError(f"{name} in the clone is not what was committed")
    if git(to, "status", "--porcelain"):
        raise RuntimeError("the clone is not clean")
    shutil.rmtree(to)


def run(directory, seed):
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    rnd, expected = random.Random(seed), {}
    where = os.path.join(directory, "repository")
    os.makedirs(where)
    git(where, "init", "-q", "--initial-branch=main")
    print("ready", flush=True)
    commits = clones = 0
    try:
        while not ended.is_set() or clones == 0:
            commits += 1
            commit(where, commits, rnd, expected)
            if commits % COMMITS_PER_CLONE == 0:
                clones += 1
                clone_and_check(where, os.path.join(directory, "clone"), commits, expected)
        git(where, "fsck", "--full", "--strict")
    except (RuntimeError, OSError) as error:
        print(f"commits {commits} clones {clones} {error!r}", flush=True)
        return
    print(f"commits {commits} clones {clones} wrong 0", flush=True)


run(sys.argv[1], int(sys.argv[2]))
