"""Makes up a bare git repository of a small C project in many folders, with a history that changes, moves and removes files.

usage: repository.py PATH FILES SEED

`make` at any commit builds one object per source file and a program.
"""
import os
import random
import subprocess
import sys

COMMITS = 40
SOURCES_MAX = 300

MAKEFILE = b"""SOURCES := $(shell find src -name '*.c' | LC_ALL=C sort)
OBJECTS := $(SOURCES:.c=.o)
CFLAGS ?= -O1
program: $(OBJECTS)
\tar rcsD library.a $(OBJECTS)
\techo 'int main(void) { return 0; }' > main.c
\t$(CC) $(CFLAGS) -o $@ main.c library.a
%.o: %.c
\t$(CC) $(CFLAGS) -c -o $@ $<
"""


class Project:
    def __init__(self, files, seed):
        self.rnd = random.Random(seed)
        self.sources = min(SOURCES_MAX, max(4, files // 10))
        self.files = {b"Makefile": (b"100644", MAKEFILE)}
        for number in range(files):
            self.add(number)
        self.next = files

    def add(self, number):
        if number < self.sources:
            path = b"src/part%d/unit%d.c" % (number % 9, number)
            self.files[path] = (b"100644", self.unit(number))
        elif number % 50 == 0:
            self.files[b"links/link%d" % number] = (b"120000", b"../data/folder%d/file%d" % (number % 97, number - 1))
        else:
            size = self.rnd.choice((0, 10, 300, 2000, 5000, 20000))
            mode = b"100755" if number % 7 == 0 else b"100644"
            self.files[b"data/folder%d/file%d" % (number % 97, number)] = (mode, self.rnd.randbytes(size).hex().encode())

    def unit(self, number):
        return b"int unit%d(int x)\n{\n    return x * %d + %d;\n}\n" % (number, self.rnd.randrange(99), number)

    def change(self):
        """A commit's worth of changes."""
        paths = sorted(p for p in self.files if p.startswith(b"data/"))
        for path in self.rnd.sample(paths, max(1, len(paths) // 40)):
            mode, data = self.files.pop(path)
            what = self.rnd.randrange(3)
            if what == 0:
                self.files[path] = (mode, data[:len(data) // 2] + b"%d" % self.rnd.randrange(1 << 30))
            elif what == 1:
                self.files[b"data/moved/%s-%d" % (os.path.basename(path), self.next)] = (mode, data)
            self.next += 1
        for number in self.rnd.sample(range(self.sources), max(1, self.sources // 10)):
            self.files[b"src/part%d/unit%d.c" % (number % 9, number)] = (b"100644", self.unit(number))


def commit(stream, number, project, known):
    changed = {p: v for p, v in project.files.items() if known.get(p) != v}
    removed = [p for p in known if p not in project.files]
    stream.write(b"commit refs/heads/main\ncommitter Test <test@example.org> %d +0000\ndata 4\nwork\n" % (1700000000 + number))
    for path in removed:
        stream.write(b"D %s\n" % path)
    for path, (mode, data) in changed.items():
        stream.write(b"M %s inline %s\ndata %d\n%s\n" % (mode, path, len(data), data))
    return dict(project.files)


def main(path, files, seed):
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", path], check=True)
    importer = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=path, stdin=subprocess.PIPE)
    project, known = Project(files, seed), {}
    for number in range(COMMITS):
        known = commit(importer.stdin, number, project, known)
        project.change()
    importer.stdin.close()
    sys.exit(importer.wait())


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
