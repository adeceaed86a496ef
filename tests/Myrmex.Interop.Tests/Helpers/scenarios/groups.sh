mkdir -m 770 g; chown 0:3003 g; echo data > g/f; chmod 660 g/f; chown 0:3003 g/f
try setpriv --reuid 1000 --regid 1000 --groups 3001,3002,3003 cat g/f
try setpriv --reuid 1000 --regid 1000 --groups 3001,3002 cat g/f
try setpriv --reuid 1000 --regid 1000 --groups 3003 bash -c 'echo x > g/new; stat -c %u:%g g/new'
