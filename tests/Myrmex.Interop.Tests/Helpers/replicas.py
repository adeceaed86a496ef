"""Compares the copies of a replica set on disk, past everybody who serves them. Nobody may be writing.

usage: replicas.py BRICK BRICK...    prints every difference from the first one and "objects N differences M"; exit code 1 with some

Of every object: name, gfid (so also which names are one file), kind, mode, owner, number of links, size, sha256 of the content, link
target, device number, all extended attributes but those of the machine. The times are in trusted.glusterfs.mdata; what the local
file system keeps of its own accord (its times, blocks, inode numbers) differs between copies. Of .glusterfs: the handles by name, and files that
are open without a name with all of that.
"""
import errno
import hashlib
import os
import stat
import sys

SHOWN = 40
OWN = (b"journal",)  # Of .glusterfs: what each member has for itself.
KEPT = b"kept"
BLOCK = 1 << 20
ZEROS = bytes(BLOCK)
TRANSIENT = (b"landfill", b"unlink")  # Must be empty when nobody works.


def digest(path):
    """Of where each block that is not all zeros lies, and what it has: holes are not read, and are the same as zeros."""
    sha = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        at = 0
        while (at := next_data(file, at)) is not None:
            block = os.pread(file.fileno(), BLOCK, at)
            if not block:
                break
            if block != ZEROS[:len(block)]:
                sha.update(b"%d %d\n" % (at, len(block)))
                sha.update(block)
            at += BLOCK
    return sha.hexdigest()


def next_data(file, at):
    """The block with the next byte that is in no hole; None when there is none."""
    try:
        return os.lseek(file.fileno(), at, os.SEEK_DATA) // BLOCK * BLOCK
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None


def attributes(path):
    names = (n for n in os.listxattr(path, follow_symlinks=False) if not n.startswith("security."))
    return {n: os.getxattr(path, n, follow_symlinks=False).hex() for n in names}


def describe(path, info):
    kind = stat.S_IFMT(info.st_mode)
    facts = {"mode": oct(info.st_mode), "owner": f"{info.st_uid}:{info.st_gid}"}
    if kind != stat.S_IFDIR:
        facts["links"] = info.st_nlink
    if kind == stat.S_IFREG:
        facts["size"] = info.st_size
        facts["sha256"] = digest(path)
    elif kind == stat.S_IFLNK:
        facts["target"] = os.readlink(path)
    elif kind in (stat.S_IFBLK, stat.S_IFCHR):
        facts["device"] = info.st_rdev
    return facts | attributes(path)


def handles(root, objects):
    for first in os.listdir(root):
        if first in OWN:
            continue
        if first in TRANSIENT:
            for name in os.listdir(os.path.join(root, first)):
                objects[os.path.join(b".glusterfs", first, name)] = {"left": True}
        elif first == KEPT:
            for name in os.listdir(os.path.join(root, first)):
                path = os.path.join(root, first, name)
                objects[os.path.join(b".glusterfs", first, name)] = describe(path, os.lstat(path))
        elif len(first) == 2:
            for second in os.listdir(os.path.join(root, first)):
                for name in os.listdir(os.path.join(root, first, second)):
                    objects[os.path.join(b".glusterfs", first, second, name)] = {}


def read(brick):
    brick = os.fsencode(brick)
    objects = {b".": describe(brick, os.lstat(brick))}
    handles(os.path.join(brick, b".glusterfs"), objects)
    for directory, names, files in os.walk(brick):
        if directory == brick:
            names.remove(b".glusterfs")
        for name in names + files:
            path = os.path.join(directory, name)
            objects[os.path.relpath(path, brick)] = describe(path, os.lstat(path))
    return objects


def differences(first, other):
    for path in sorted(first.keys() | other.keys()):
        left, right = first.get(path), other.get(path)
        if left is None or right is None:
            yield path, "only in the other" if left is None else "only in the first"
            continue
        for key in sorted(left.keys() | right.keys()):
            if left.get(key) != right.get(key):
                yield path, f"{key} is {left.get(key)} and {right.get(key)}"


def main(bricks):
    copies = [read(b) for b in bricks]
    found = 0
    for path, facts in copies[0].items():
        if facts.get("left"):
            found += 1
            print(f"{bricks[0]}: {os.fsdecode(path)!r} is left")
    for brick, copy in zip(bricks[1:], copies[1:]):
        for path, text in differences(copies[0], copy):
            found += 1
            if found <= SHOWN:
                print(f"{bricks[0]} and {brick}: {os.fsdecode(path)!r}: {text}")
    print(f"objects {len(copies[0])} differences {found}")
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
