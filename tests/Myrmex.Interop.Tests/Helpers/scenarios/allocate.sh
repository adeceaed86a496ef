fallocate -l 1000000 a; show a; sha256sum a
random 7 300000 > b; fallocate -l 500000 b; show b; sha256sum b
fallocate --keep-size -o 500000 -l 100000 b; show b
fallocate --punch-hole --keep-size -o 100000 -l 100000 b; show b; sha256sum b
fallocate --zero-range -o 10 -l 5000 b; sha256sum b; show b
fallocate -o 600000 -l 10 b; show b
