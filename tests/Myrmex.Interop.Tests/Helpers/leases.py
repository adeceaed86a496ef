"""A program with gfapi (the stock libgfapi) that takes leases and does other things with files on command.

usage: leases.py server HOST VOLUME | leases.py volfile PATH
It says "ready" when it has the volume. One command a line on standard input, one answer a line: what came of it (a value or
the name of the errno) and how many milliseconds it took.
  id ID                     the lease id of all that follows; "-" for none
  open NAME r|w|o [FLAGS]   "o" is for writing only; FLAGS: c create, n O_NONBLOCK, t truncate; answers the number of the open file
  close N
  lease N get|set|unlock rd|rw ID     answers the type of the lease: none, rd, rw
  read N, write N TEXT, ftruncate N SIZE, fsync N
  stat NAME, chmod NAME MODE, truncate NAME SIZE, rename FROM TO, link FROM TO, unlink NAME
  recall SECONDS            waits for a recall: the type that may be kept ("none": give all back), or "quiet"
"""
import ctypes
import errno
import os
import queue
import sys
import time

LEASE_TYPES = {"none": 0, "rd": 1, "rw": 2}
TYPE_NAMES = {value: key for key, value in LEASE_TYPES.items()}
COMMANDS = {"get": 1, "set": 2, "unlock": 3}
RECALLED = 2  # GLFS_EVENT_RECALL_LEASE and GLFS_UPCALL_RECALL_LEASE

api = ctypes.CDLL("libgfapi.so.0", use_errno=True)


class Lease(ctypes.Structure):
    _fields_ = [("cmd", ctypes.c_int), ("type", ctypes.c_int), ("id", ctypes.c_char * 16), ("flags", ctypes.c_uint)]


RecallFunction = ctypes.CFUNCTYPE(None, Lease, ctypes.c_void_p)
UpcallFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
for name in ("glfs_new", "glfs_open", "glfs_creat", "glfs_upcall_get_event"):
    getattr(api, name).restype = ctypes.c_void_p
for name in ("glfs_read", "glfs_write"):
    getattr(api, name).restype = ctypes.c_ssize_t

recalls = queue.Queue()


def upcalled(upcall, _):
    if api.glfs_upcall_get_reason(ctypes.c_void_p(upcall)) == RECALLED:
        event = ctypes.c_void_p(api.glfs_upcall_get_event(ctypes.c_void_p(upcall)))
        recalls.put(TYPE_NAMES.get(api.glfs_upcall_lease_get_lease_type(event), "?"))
    api.glfs_free(ctypes.c_void_p(upcall))


on_upcall = UpcallFunction(upcalled)
on_recall = RecallFunction(lambda lease, data: None)


class Failure(Exception):
    pass


def check(result):
    if result is None or result < 0:
        raise Failure(errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno())))
    return result


def lease_id(text):
    return text.encode().ljust(16, b"\1")[:16]


class Program:
    def __init__(self, arguments):
        self.fs = ctypes.c_void_p(api.glfs_new(arguments[-1].encode() if arguments[0] == "server" else b"vol"))
        if arguments[0] == "server":
            check(api.glfs_set_volfile_server(self.fs, b"tcp", arguments[1].encode(), 24007))
        else:
            check(api.glfs_set_volfile(self.fs, arguments[1].encode()))
        check(api.glfs_set_logging(self.fs, os.environ.get("LEASES_LOG", "/dev/null").encode(), 7))
        check(api.glfs_init(self.fs))
        check(api.glfs_upcall_register(self.fs, RECALLED, on_upcall, None))
        self.files = {}

    def fd(self, number):
        return ctypes.c_void_p(self.files[int(number)])

    def do(self, command, *words):
        return getattr(self, "do_" + command)(*words)

    def do_id(self, text):
        check(api.glfs_setfsleaseid(None if text == "-" else lease_id(text)))
        return "ok"

    def do_open(self, name, mode, flags=""):
        bits = {"r": os.O_RDONLY, "w": os.O_RDWR, "o": os.O_WRONLY}[mode]
        bits |= os.O_NONBLOCK if "n" in flags else 0
        bits |= os.O_TRUNC if "t" in flags else 0
        if "c" in flags:
            fd = api.glfs_creat(self.fs, name.encode(), bits | os.O_CREAT, 0o644)
        else:
            fd = api.glfs_open(self.fs, name.encode(), bits)
        check(-1 if not fd else 0)
        number = len(self.files) + 1
        self.files[number] = fd
        return number

    def do_close(self, number):
        check(api.glfs_close(self.fd(number)))
        return "ok"

    def do_lease(self, number, command, kind, text):
        lease = Lease(COMMANDS[command], LEASE_TYPES[kind], lease_id(text), 0)
        check(api.glfs_lease(self.fd(number), ctypes.byref(lease), on_recall, None))
        return TYPE_NAMES.get(lease.type, lease.type)

    def do_read(self, number):
        buffer = ctypes.create_string_buffer(4096)
        check(api.glfs_lseek(self.fd(number), ctypes.c_long(0), 0))
        count = check(api.glfs_read(self.fd(number), buffer, ctypes.c_size_t(4096), 0))
        return buffer.raw[:count].decode() or "-"

    def do_write(self, number, text):
        check(api.glfs_lseek(self.fd(number), ctypes.c_long(0), 0))
        return check(api.glfs_write(self.fd(number), text.encode(), ctypes.c_size_t(len(text)), 0))

    def do_ftruncate(self, number, size):
        check(api.glfs_ftruncate(self.fd(number), ctypes.c_long(int(size)), None, None))
        return "ok"

    def do_fsync(self, number):
        check(api.glfs_fsync(self.fd(number), None, None))
        return "ok"

    def do_stat(self, name):
        check(api.glfs_stat(self.fs, name.encode(), ctypes.create_string_buffer(512)))
        return "ok"

    def do_chmod(self, name, mode):
        check(api.glfs_chmod(self.fs, name.encode(), int(mode, 8)))
        return "ok"

    def do_truncate(self, name, size):
        check(api.glfs_truncate(self.fs, name.encode(), ctypes.c_long(int(size))))
        return "ok"

    def do_rename(self, name, other):
        check(api.glfs_rename(self.fs, name.encode(), other.encode()))
        return "ok"

    def do_link(self, name, other):
        check(api.glfs_link(self.fs, name.encode(), other.encode()))
        return "ok"

    def do_unlink(self, name):
        check(api.glfs_unlink(self.fs, name.encode()))
        return "ok"

    def do_recall(self, seconds):
        try:
            return recalls.get(timeout=float(seconds))
        except queue.Empty:
            return "quiet"


def serve(program):
    for line in sys.stdin:
        begun = time.monotonic()
        try:
            result = program.do(*line.split())
        except Failure as failure:
            result = failure
        print(f"{result} {int((time.monotonic() - begun) * 1000)}", flush=True)


def main():
    program = Program(sys.argv[1:])
    print("ready", flush=True)
    serve(program)
    sys.stdout.flush()
    os._exit(0)  # The library takes ten seconds for its end.


main()
