mkdir d; cd d; for i in $(seq 1500); do : > "file-with-a-rather-long-name-$i"; done
ls | wc -l; ls | sha256sum; ls -l | awk '{print $5, $9}' | sha256sum
find . -type f | wc -l
rm *7; ls | wc -l; ls | sha256sum
py <<'P'
import os
names = os.listdir("."); print(len(names), len(set(names)))
seen = 0
with os.scandir(".") as it:
    for e in it:
        seen += 1
        if e.name.endswith("3"): os.unlink(e.name)
print(seen); print(len(os.listdir(".")), any(n.endswith("3") for n in os.listdir(".")))
P
cd ..; rm -r d; ls
