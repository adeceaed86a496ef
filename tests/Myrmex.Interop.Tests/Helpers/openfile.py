"""A process with one open file, which goes on with it whatever becomes of its name.

usage: openfile.py FILE. One command a line on standard input, one answer a line:
  write OFFSET TEXT   "ok"
  read OFFSET LENGTH  the text
  sync                "ok"
  stat                "links N size N"
  cut SIZE            "ok" (ftruncate)
  mode OCTAL          "ok" (fchmod)
  unlink              "ok": takes the name away
  rename FROM         "ok": renames FROM over the name
  close               "ok"
Anything that fails answers the name of the errno.
"""
import errno
import os
import sys


def answer(fd, path, words):
    if words[0] == "write":
        os.pwrite(fd, words[2].encode(), int(words[1]))
    elif words[0] == "read":
        return os.pread(fd, int(words[2]), int(words[1])).decode() or "nothing"
    elif words[0] == "sync":
        os.fsync(fd)
    elif words[0] == "stat":
        found = os.fstat(fd)
        return f"links {found.st_nlink} size {found.st_size}"
    elif words[0] == "cut":
        os.ftruncate(fd, int(words[1]))
    elif words[0] == "mode":
        os.fchmod(fd, int(words[1], 8))
    elif words[0] == "unlink":
        os.unlink(path)
    elif words[0] == "rename":
        os.rename(words[1], path)
    else:
        os.close(fd)
    return "ok"


def main():
    path = sys.argv[1]
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            print(answer(fd, path, line.split()), flush=True)
        except OSError as error:
            print(errno.errorcode[error.errno], flush=True)


main()
