mkdir -p a/b/c e f/g; for i in $(seq 20); do echo $i > a/b/$i; done
mv a A; tree; sums
mv A/b B; tree; cat B/7
mkdir empty; mv -T B empty; cat empty/8
try mv -T empty f
mkdir -p p/q/r; try mv p p/q/r/s
try mv -T e empty/1
cd f/g; mv ../../f ../../F; cd ..; ls; cd ../
exec 3< empty/9; mv empty renamed; cat <&3; exec 3<&-
echo new > renamed/new; cat renamed/new
for i in $(seq 30); do mkdir d$i; echo $i > d$i/f; mv d$i D$i; done; cat D*/f | sort -n | tail -1; ls -d D* | wc -l; try ls d1
tree
