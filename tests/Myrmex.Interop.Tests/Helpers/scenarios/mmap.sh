py <<'P'
import mmap, os
open("f", "wb").write(b"a" * 20000)
with open("f", "r+b") as f:
    m = mmap.mmap(f.fileno(), 0); m[5000:5005] = b"HELLO"; m.flush(); print(m[4998:5007]); m.close()
print(open("f", "rb").read()[4998:5007], os.stat("f").st_size)
with open("f", "rb") as f:
    m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); print(m[19990:], m.find(b"HELLO"))
P
cp /bin/true ./prog; ./prog && echo runs
printf '#!/bin/sh\necho script "$1"\n' > s.sh; chmod +x s.sh; ./s.sh arg
