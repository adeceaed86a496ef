mkdir a; mkdir -p b/c/d/e/f; mkdir -m 750 g; mkdir -m 1777 h
tree
try mkdir a
try mkdir missing/x
try rmdir b
rmdir b/c/d/e/f b/c/d/e
touch b/file; try rmdir b/file
try rmdir b/c/d/missing
rm b/file; rmdir b/c/d b/c b a g h
tree
d=.; for i in $(seq 40); do d=$d/level$i; mkdir "$d"; done
echo deep > "$d/file"; cat "$d/file"; find . | wc -l
rm -r level1; tree
