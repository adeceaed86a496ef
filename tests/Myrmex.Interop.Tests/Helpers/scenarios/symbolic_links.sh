mkdir d; echo x > d/f; ln -s d/f l; ln -s d ld; ln -s missing dangling; ln -s ../x/./y odd
cat l; ls ld; try cat dangling; readlink l ld dangling odd
show l
ln -s "$(printf 'a%.0s' $(seq 1000))" long; readlink long | wc -c
try ln -s x l
rm l; cat d/f; mv ld ld2; ls ld2; readlink ld2
chown -h 12:34 ld2; stat -c '%u:%g %F' ld2; stat -c '%u:%g' d
touch -h -d '2001-02-03 04:05:06.123456789' ld2; stat -c '%y' ld2
rm -r ld2; ls; tree
