touch f; mkdir d
for m in 000 644 600 755 4755 2755; do chmod $m f; chmod $m d; show f d; done; chmod 1755 d; show d; chmod 7777 d; show d
chmod 644 f; chmod 755 d; chown 1234:5678 f; show f; chgrp 42 d; show d
chmod u+s f; chown 99:99 f; show f
as() { local u=$1; shift; try setpriv --reuid "$u" --regid "$u" --clear-groups "$@"; }
chown 1000:1000 d; chmod 700 d; echo secret > d/s; chmod 600 d/s; chown 1000:1000 d/s
as 1000 cat d/s; as 1001 cat d/s; as 1001 ls d; as 1000 bash -c 'echo more >> d/s'; as 1001 bash -c 'echo x > d/n'
chmod 711 d; as 1001 ls d; as 1001 cat d/s; chmod 644 d/s; as 1001 cat d/s; as 1001 rm -f d/s; as 1001 chmod 777 d/s; as 1001 chown 1001 d/s
mkdir -m 1777 t; as 1000 touch t/mine; as 1001 rm t/mine; as 1001 mv t/mine t/yours; as 1000 rm t/mine; ls t
mkdir -m 2775 s; chown 0:777 s; chmod 2775 s; touch s/f; mkdir s/d; show s/f s/d
as 1000 touch -d 2000-01-01 f; as 1001 bash -c ': > f'
