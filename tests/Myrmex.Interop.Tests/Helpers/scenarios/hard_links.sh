echo text > a; ln a b; mkdir d; ln a d/c
show a b d/c
[[ a -ef d/c ]] && echo same
echo more >> b; cat d/c
rm a; show b d/c; cat b
try ln b b
try ln d e
try ln missing x
ln b a; rm b d/c; show a; cat a
ln -s a l; ln -P l l2; show l l2; readlink l2
for i in $(seq 60); do ln a n$i; done; show a n60; rm n*; show a
try mv a a
ln a z; try mv a z; ls
