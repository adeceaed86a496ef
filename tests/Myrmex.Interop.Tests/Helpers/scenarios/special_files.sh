mkfifo p; show p; (echo through > p &); cat p
mknod c c 1 3; mknod b b 7 200; stat -c '%n %F %t %T' c b
echo swallowed > c; cat c; mv p q; show q; ln q r; show r
py <<'P'
import socket, os, stat
s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen(); print(stat.S_ISSOCK(os.stat("sock").st_mode))
c = socket.socket(socket.AF_UNIX); c.connect("sock"); a, _ = s.accept(); c.send(b"hello"); print(a.recv(10))
P
rm sock q r c b; ls -A
