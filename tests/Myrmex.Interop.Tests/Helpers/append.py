"""Appends records to a file that others append to at the same time.

usage: append.py file PATH WRITER COUNT SIZE        with O_APPEND
       append.py check PATH WRITER COUNT SIZE       with O_APPEND, and reads back now and then
       append.py gfapi HOST VOLUME NAME WRITER COUNT SIZE
       append.py verify PATH WRITERS COUNT SIZE     prints "records N missing M twice T broken B"

A writer says "ready", waits for a line on standard input, appends COUNT records of SIZE bytes and says "done".
"""
import ctypes
import hashlib
import os
import sys

def record(writer, number, size):
    head = f"{writer}:{number}:".encode()
    return (head + hashlib.sha256(head).hexdigest().encode()).ljust(size - 1, b".") + b"\n"


class File:
    def __init__(self, path, flags=os.O_WRONLY):
        self.fd = os.open(path, flags | os.O_CREAT | os.O_APPEND, 0o666)

    def append(self, data):
        return os.write(self.fd, data)

    def close(self):
        os.close(self.fd)


class Checked(File):
    """
    Reads while it appends. Through the descriptor that appends everything of this writer must be there. Through the kernel's cache a
    part of the end may be missing, because the kernel drops sizes that arrive while somebody else on the mount writes; but what is there
    must be right: never what the kernel only thought to be there.
    """

    def __init__(self, path):
        super().__init__(path, os.O_RDWR)
        self.path = path
        self.mine = []

    def append(self, data):
        written = super().append(data)
        self.mine.append(data)
        if len(self.mine) % 50 == 0:
            other = os.open(self.path, os.O_RDONLY)
            cached = os.pread(other, 1 << 24, 0)
            os.close(other)
            size = os.fstat(self.fd).st_size
            seen = os.pread(self.fd, size, 0)
            missing = [one for one in self.mine if one not in seen]
            if size % len(data) or len(seen) != size or missing:
                raise ValueError(f"size {size}, read {len(seen)}, missing {missing[:3]}")
            if cached != seen[:len(cached)]:
                raise ValueError(f"the cache has other bytes than the file in its {len(cached)} bytes")
        return written


class Gfapi:
    def __init__(self, host, volume, name):
        self.api = ctypes.CDLL("libgfapi.so.0", use_errno=True)
        for function in ("glfs_new", "glfs_creat"):
            getattr(self.api, function).restype = ctypes.c_void_p
        self.api.glfs_write.restype = ctypes.c_ssize_t
        self.api.glfs_write.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
        self.fs = ctypes.c_void_p(self.api.glfs_new(volume.encode()))
        self.check(self.api.glfs_set_volfile_server(self.fs, b"tcp", host.encode(), 24007) == 0)
        self.check(self.api.glfs_init(self.fs) == 0)
        self.file = self.api.glfs_creat(self.fs, name.encode(), os.O_WRONLY | os.O_APPEND, 0o666)
        self.check(self.file)

    def check(self, good):
        if not good:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def append(self, data):
        written = self.api.glfs_write(self.file, data, len(data), 0)
        self.check(written >= 0)
        return written

    def close(self):
        # Without glfs_fini, which waits ten seconds.
        self.check(self.api.glfs_close(ctypes.c_void_p(self.file)) == 0)


def write(target, writer, count, size):
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        if target.append(record(writer, number, size)) != size:
            raise ValueError("a short write")
    target.close()
    print("done", flush=True)
    os._exit(0)


def verify(path, writers, count, size):
    with open(path, "rb") as file:
        content = file.read()
    seen = {}
    for offset in range(0, len(content), size):
        piece = content[offset:offset + size]
        seen[piece] = seen.get(piece, 0) + 1
    wanted = [record(writer, number, size) for writer in range(writers) for number in range(count)]
    missing = sum(1 for one in wanted if one not in seen)
    twice = sum(1 for one in wanted if seen.get(one, 0) > 1)
    broken = len(set(seen) - set(wanted))
    print(f"records {len(wanted) - missing} missing {missing} twice {twice} broken {broken}")


def main():
    mode, arguments = sys.argv[1], sys.argv[2:]
    if mode == "verify":
        verify(arguments[0], *map(int, arguments[1:]))
    else:
        kinds = {"file": File, "check": Checked, "gfapi": Gfapi}
        write(kinds[mode](*arguments[:-3]), *map(int, arguments[-3:]))


main()
