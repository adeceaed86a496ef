mkdir src; for d in $(seq 12); do mkdir -p src/d$d/sub; for f in $(seq 12); do random $((d * 100 + f)) $((f * 1777)) > src/d$d/f$f; done
  ln -s ../f1 src/d$d/sub/l; ln src/d$d/f2 src/d$d/sub/hard; chmod 6$((d % 8))4 src/d$d/f3; mkfifo src/d$d/fifo; done
cp -a src dst; rm dst/*/fifo src/*/fifo; diff -r src dst && echo equal
(cd src && tree) > t1; (cd dst && tree) > t2; cmp t1 t2 && wc -l < t1
sums dst | sha256sum
rm -r src; ls; find dst -type f | wc -l; du --apparent-size -a dst | grep -c f1; rm -rf dst; ls
