mkdir in; for i in $(seq 30); do mkdir in/d$i; random $i $((i * 3000)) > in/d$i/f; chmod 75$((i % 6)) in/d$i; chown $i:$i in/d$i/f; touch -d "2020-01-$((i % 28 + 1)) 10:11:12.25" in/d$i/f; ln -s f in/d$i/l; ln in/d$i/f in/d$i/h; done
setfattr -n user.k -v v in/d1/f
tar --xattrs -cf a.tar in; mkdir out; tar --xattrs -xpf a.tar -C out --same-owner
diff -r in out/in && echo equal; (cd out/in && tree; getfattr --only-values -n user.k d1/f; find . -type f -printf '%P %TY-%Tm-%Td %TT\n' | sort)
tar -df a.tar && echo tar sees no difference
gzip -k a.tar; gunzip -c a.tar.gz | cmp - a.tar && echo gzip
rm -r in out a.tar a.tar.gz; ls -A
