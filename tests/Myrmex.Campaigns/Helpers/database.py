"""Several processes work on one SQLite database: writers move amounts between accounts, readers add them up.

usage: database.py FILE JOURNALMODE SECONDS SEED

The sum of all accounts never changes, so a reader that sees another sum has seen half a transaction. At the end the number of rows in
the journal of transfers must be what the writers were told is committed. Prints
"transfers N reads N busy N integrity ok wrong 0", and a word more for what was wrong.
"""
import multiprocessing
import random
import sqlite3
import sys
import time

ACCOUNTS = 500
SUM = ACCOUNTS * 1000
WRITERS = 3
READERS = 3


def connect(path):
    return sqlite3.connect(path, timeout=120, isolation_level=None)


def make(path, mode):
    db = connect(path)
    got = db.execute(f"PRAGMA journal_mode={mode}").fetchone()[0]
    assert got == mode, f"journal mode is {got}"
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL)")
    db.execute("CREATE TABLE transfer (id INTEGER PRIMARY KEY, writer INTEGER, number INTEGER, note BLOB, UNIQUE (writer, number))")
    db.execute("BEGIN")
    db.executemany("INSERT INTO account VALUES (?, 1000)", [(n,) for n in range(ACCOUNTS)])
    db.execute("COMMIT")
    db.close()


def write(path, writer, end, seed, results):
    rnd = random.Random(seed * 100 + writer)
    db = connect(path)
    done = busy = 0
    while time.monotonic() < end:
        try:
            db.execute("BEGIN IMMEDIATE")
            amount = rnd.randrange(100)
            db.execute("UPDATE account SET amount = amount - ? WHERE id = ?", (amount, rnd.randrange(ACCOUNTS)))
            db.execute("UPDATE account SET amount = amount + ? WHERE id = ?", (amount, rnd.randrange(ACCOUNTS)))
            db.execute("INSERT INTO transfer (writer, number, note) VALUES (?, ?, ?)", (writer, done, rnd.randbytes(rnd.choice((10, 3000)))))
            if rnd.randrange(10) == 0:
                db.execute("ROLLBACK")
                continue
            db.execute("COMMIT")
            done += 1
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            busy += 1
            if db.in_transaction:
                db.execute("ROLLBACK")
        time.sleep(rnd.random() * 0.005)
    db.close()
    results.put(("write", writer, done, busy, 0))


def read(path, reader, end, seed, results):
    rnd = random.Random(seed * 100 + 50 + reader)
    done = busy = wrong = 0
    while time.monotonic() < end:
        # A connection of its own each time now and then: its open and close are a part of the protocol too.
        db = connect(path)
        for _ in range(20):
            try:
                wrong += 0 if db.execute("SELECT sum(amount) FROM account").fetchone()[0] == SUM else 1
                done += 1
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                busy += 1
            time.sleep(rnd.random() * 0.01)
        db.close()
    results.put(("read", reader, done, busy, wrong))


def main(path, mode, seconds, seed):
    make(path, mode)
    results = multiprocessing.Queue()
    end = time.monotonic() + seconds
    workers = [multiprocessing.Process(target=write, args=(path, n, end, seed, results)) for n in range(WRITERS)]
    workers += [multiprocessing.Process(target=read, args=(path, n, end, seed, results)) for n in range(READERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(worker.exitcode == 0 for worker in workers), "a worker failed"
    counts = [results.get(timeout=10) for _ in workers]
    transfers = {n: done for kind, n, done, _, _ in counts if kind == "write"}
    reads = sum(done for kind, _, done, _, _ in counts if kind == "read")
    busy = sum(c[3] for c in counts)
    wrong = sum(c[4] for c in counts)
    db = connect(path)
    for writer, done in transfers.items():
        rows = db.execute("SELECT count(*), coalesce(max(number), -1) FROM transfer WHERE writer = ?", (writer,)).fetchone()
        wrong += 0 if rows == (done, done - 1) else 1
    wrong += 0 if db.execute("SELECT sum(amount) FROM account").fetchone()[0] == SUM else 1
    integrity = db.execute("PRAGMA integrity_check").fetchone()[0]
    db.close()
    if sum(transfers.values()) == 0 or reads == 0:
        wrong += 1
    print(f"transfers {sum(transfers.values())} reads {reads} busy {busy} integrity {integrity} wrong {wrong}")


main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
