for w in 1 2 3 4; do (for i in $(seq 50); do echo "writer $w line $i" >> a; done) & done; wait
sort a | sha256sum; show a
