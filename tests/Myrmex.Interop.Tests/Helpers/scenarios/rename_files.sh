mkdir x y
for i in $(seq 60); do echo $i > x/f$i; done
for i in $(seq 60); do mv x/f$i x/g$i; done; sums x
for i in $(seq 60); do mv x/g$i y/h$((61 - i)); done; sums; tree
echo new > x/a; echo old > y/h1; mv x/a y/h1; cat y/h1
try mv x/missing y/z
mkdir y/dir; try mv -T y/h2 y/dir; try mv -T y/dir y/h2
mv -n y/h3 y/h4; cat y/h3 y/h4
exec 3< y/h5; mv y/h5 y/moved; cat <&3; exec 3<&-
exec 3>> y/h6; mv y/h6 x/h6; echo appended >&3; exec 3>&-; cat x/h6
exec 3< y/h7; echo replacement > y/t; mv y/t y/h7; cat <&3; exec 3<&-; cat y/h7
ln y/h8 y/h8l; mv y/h8 y/h9; cat y/h9; show y/h9 y/h8l
chmod 640 y/h10; chown 5:6 y/h10; touch -d '2010-01-01 01:01:01.5' y/h10; mv y/h10 x/attr; show x/attr; stat -c %y x/attr
tree
