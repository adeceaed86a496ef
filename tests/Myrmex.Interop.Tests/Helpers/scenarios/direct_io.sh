random 9 1048576 > src
dd if=src of=d bs=4096 oflag=direct status=none; cmp src d && echo direct write
dd if=d bs=65536 iflag=direct status=none | cmp - src && echo direct read
dd if=src of=e bs=128k oflag=dsync status=none; cmp src e && echo dsync
