for i in $(seq 200); do echo line $i >> a; done; sha256sum a
exec 3>> b 4>> b; for i in $(seq 50); do echo three $i >&3; echo four $i >&4; done; exec 3>&- 4>&-; sort b | sha256sum; show b
