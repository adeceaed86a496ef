mkdir d; for w in 1 2 3 4 5 6; do (for i in $(seq 40); do echo "$w $i" > d/w$w-$i; mv d/w$w-$i d/r$w-$i; mkdir -p d/s$((i % 5)); ln d/r$w-$i d/s$((i % 5))/l$w-$i; [[ $((i % 4)) != 0 ]] || rm d/r$w-$i; done) & done; wait
tree d | awk '{print $1, $2}' | sha256sum; sums d | sha256sum; find d -type f | wc -l
rm -r d; ls
