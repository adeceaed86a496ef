echo one > a; echo two >> a; cat a; show a
printf x > b; : > b; show b; cat b
random 1 1000000 > c; sha256sum c; show c
dd if=/dev/zero of=c bs=4096 seek=3 count=2 conv=notrunc status=none; sha256sum c
dd if=/dev/zero of=c bs=1 seek=999990 count=100 conv=notrunc status=none; sha256sum c; show c
for bs in 7 511 4095 4096 4097 65536 131072 1048576; do
  random 2 300000 | dd of=f$bs bs=$bs iflag=fullblock status=none
  dd if=f$bs bs=$bs status=none | sha256sum
done
cmp f7 f1048576; cmp f4097 f131072
random 2 5000 | dd of=one bs=1 status=none; sha256sum one
rm f*; cp c d; cmp c d; rm c; cat d | sha256sum
try cat missing
try bash -c 'echo x > .'
try bash -c 'echo x > missing/file'
tree
