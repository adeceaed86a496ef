"""Checks the state of bricks on disk, while nobody serves them: identity, handles, name records, times, layouts.

usage: audit.py check BRICK...     prints every fault found and "objects N faults M"; exit code 1 with faults
       audit.py places BRICK...    one line per object and brick: path, kind, link target, layout, attribute names; to compare two
                                   volumes
"""
import os
import stat
import struct
import sys
import uuid

MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579, 2870177450012600261)


def rotate(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & MASK


def round_of(acc, lane):
    return rotate((acc + lane * P2) & MASK, 31) * P1 & MASK


def xxhash64(data):
    length, at = len(data), 0
    if length >= 32:
        acc = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        while at + 32 <= length:
            for i in range(4):
                acc[i] = round_of(acc[i], int.from_bytes(data[at:at + 8], "little"))
                at += 8
        value = sum(rotate(a, b) for a, b in zip(acc, (1, 7, 12, 18))) & MASK
        for a in acc:
            value = ((value ^ round_of(0, a)) * P1 + P4) & MASK
    else:
        value = P5
    value = (value + length) & MASK
    while at + 8 <= length:
        value = (rotate(value ^ round_of(0, int.from_bytes(data[at:at + 8], "little")), 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= length:
        value = (rotate(value ^ (int.from_bytes(data[at:at + 4], "little") * P1 & MASK), 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        value = rotate(value ^ (byte * P5 & MASK), 11) * P1 & MASK
    value = ((value ^ (value >> 33)) * P2) & MASK
    value = ((value ^ (value >> 29)) * P3) & MASK
    return value ^ (value >> 32)


def xattr(path, name):
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError:
        return None


class Audit:
    def __init__(self, brick):
        self.brick = os.fsencode(brick)
        self.faults = []
        self.objects = 0
        self.names = {}  # gfid -> names found, for link counts
        self.kept = set()  # gfids of files that live on without a name, each with a link more
        self.parents = {self.brick: uuid.UUID(int=1)}

    def fault(self, path, text):
        self.faults.append(f"{path.decode(errors='replace')}: {text}")

    def run(self):
        if xattr(self.brick, "trusted.gfid") != uuid.UUID(int=1).bytes:
            self.fault(self.brick, "the root has no root gfid")
        for directory, names, files in os.walk(self.brick):
            if directory == self.brick:
                names.remove(b".glusterfs")
            for name in names + files:
                self.one(directory, name)
        self.read_kept()
        self.handles()
        return self

    def read_kept(self):
        kept = os.path.join(self.brick, b".glusterfs", b"kept")
        for text in os.listdir(kept) if os.path.isdir(kept) else []:
            path = os.path.join(kept, text)
            raw = xattr(path, "trusted.gfid")
            if raw is None or str(uuid.UUID(bytes=raw)).encode() != text:
                self.fault(path, "is not the file of that gfid")
                continue
            gfid = uuid.UUID(bytes=raw)
            self.kept.add(gfid)
            if gfid in self.names:
                self.fault(path, f"is kept and has the name {self.names[gfid][0]!r}")
            if os.lstat(self.handle_of(gfid)).st_ino != os.lstat(path).st_ino:
                self.fault(path, "the handle is another inode")

    def handle_of(self, gfid):
        text = str(gfid).encode()
        return os.path.join(self.brick, b".glusterfs", text[:2], text[2:4], text)

    def one(self, directory, name):
        path = os.path.join(directory, name)
        self.objects += 1
        info = os.lstat(path)
        raw = xattr(path, "trusted.gfid")
        if raw is None or len(raw) != 16:
            self.fault(path, "no gfid")
            return
        gfid = uuid.UUID(bytes=raw)
        self.names.setdefault(gfid, []).append(path)
        mdata = xattr(path, "trusted.glusterfs.mdata")
        if mdata is not None and (len(mdata) != 57 or mdata[0] != 1):
            self.fault(path, f"mdata of {len(mdata)} bytes, version {mdata[:1].hex()}")
        parent = self.parents.get(directory)
        if stat.S_ISDIR(info.st_mode):
            self.parents[path] = gfid
            self.directory(path, gfid, parent, name)
        else:
            self.other(path, gfid, parent, name, info)

    def directory(self, path, gfid, parent, name):
        handle = self.handle_of(gfid)
        text = str(parent)
        expected = f"../../{text[:2]}/{text[2:4]}/{text}/".encode() + name
        try:
            target = os.readlink(handle)
        except OSError as error:
            self.fault(path, f"handle {handle.decode()}: {error.strerror}")
            return
        if target != expected:
            self.fault(path, f"handle points to {target!r}, not to {expected!r}")

    def other(self, path, gfid, parent, name, info):
        try:
            handle = os.lstat(self.handle_of(gfid))
        except OSError as error:
            self.fault(path, f"handle: {error.strerror}")
            return
        if (handle.st_ino, handle.st_dev) != (info.st_ino, info.st_dev):
            self.fault(path, "the handle is another inode")
        link = str(parent).encode() + b"/" + name
        key = f"trusted.gfid2path.{xxhash64(link):016x}"
        stored = xattr(path, key)
        if stored != link:
            self.fault(path, f"{key} is {stored!r}")

    def handles(self):
        root = os.path.join(self.brick, b".glusterfs")
        for first in sorted(os.listdir(root)):
            if len(first) != 2:
                continue
            for second in os.listdir(os.path.join(root, first)):
                for text in os.listdir(os.path.join(root, first, second)):
                    self.handle(os.path.join(root, first, second, text), text)

    def handle(self, path, text):
        try:
            gfid = uuid.UUID(text.decode())
        except ValueError:
            self.fault(path, "is no handle")
            return
        if gfid.int == 1:
            return
        info = os.lstat(path)
        names = self.names.get(gfid, [])
        if gfid in self.kept:
            if info.st_nlink != 2:
                self.fault(path, f"{info.st_nlink} links of a file without a name")
            if any(n.startswith("trusted.gfid2path.") for n in os.listxattr(path, follow_symlinks=False)):
                self.fault(path, "a name record of a file without a name")
        elif not names:
            self.fault(path, "handle without a name")
        elif not (stat.S_ISLNK(info.st_mode) and os.path.isdir(names[0]) and not os.path.islink(names[0])):
            if info.st_nlink != len(names) + 1:
                self.fault(path, f"{info.st_nlink} links for {len(names)} names")
            self.records(names)

    def records(self, names):
        """No name record may be left for a name that is gone."""
        found = [n for n in os.listxattr(names[0], follow_symlinks=False) if n.startswith("trusted.gfid2path.")]
        if len(found) != len(names):
            self.fault(names[0], f"{len(found)} name records for {len(names)} names")


def kind(path, info):
    linkto = xattr(path, "trusted.glusterfs.dht.linkto")
    if stat.S_ISDIR(info.st_mode):
        layout = xattr(path, "trusted.glusterfs.dht")
        words = struct.unpack(">4I", layout) if layout else ()
        return "d " + " ".join(f"{w:08x}" for w in words[1:])
    if linkto is not None:
        return f"link file to {linkto.rstrip(bytes(1)).decode()} mode {info.st_mode & 0o7777:o}"
    return f"{stat.filemode(info.st_mode)[0]} {info.st_size}"


def keys(path):
    """Names of the attributes; mdata only exists where the client keeps times there (features.ctime)."""
    names = (n for n in os.listxattr(path, follow_symlinks=False) if n.startswith("trusted.") and n != "trusted.glusterfs.mdata")
    return " ".join(sorted(n[:18] if n.startswith("trusted.gfid2path.") else n for n in names))


def places(bricks):
    for number, brick in enumerate(bricks):
        brick = os.fsencode(brick)
        lines = []
        for directory, names, files in os.walk(brick):
            if directory == brick:
                names.remove(b".glusterfs")
            for name in names + files:
                path = os.path.join(directory, name)
                lines.append(f"{number} {path[len(brick):]!r} {kind(path, os.lstat(path))} {keys(path)}")
        print("\n".join(sorted(lines)))


if sys.argv[1] == "places":
    places(sys.argv[2:])
else:
    audits = [Audit(brick).run() for brick in sys.argv[2:]]
    for audit in audits:
        for line in audit.faults[:40]:
            print(line)
    faults = sum(len(a.faults) for a in audits)
    print(f"objects {sum(a.objects for a in audits)} faults {faults}")
    sys.exit(1 if faults else 0)
