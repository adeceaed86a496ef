py <<'P'
import os, errno
def t(what, f):
    try: print(what, f())
    except OSError as e: print(what, errno.errorcode[e.errno])
open("f", "w").write("x"); os.mkdir("d"); os.symlink("f", "l")
for p in ("f", "d"):
    t("set", lambda: os.setxattr(p, "user.a", b"value"))
    t("get", lambda: os.getxattr(p, "user.a"))
    t("binary", lambda: os.setxattr(p, "user.b", bytes(range(256))))
    t("binary back", lambda: os.getxattr(p, "user.b") == bytes(range(256)))
    t("empty", lambda: os.setxattr(p, "user.e", b"")); t("empty back", lambda: os.getxattr(p, "user.e"))
    t("create existing", lambda: os.setxattr(p, "user.a", b"x", os.XATTR_CREATE))
    t("replace missing", lambda: os.setxattr(p, "user.zz", b"x", os.XATTR_REPLACE))
    t("replace", lambda: os.setxattr(p, "user.a", b"longer value than before", os.XATTR_REPLACE)); t("get", lambda: os.getxattr(p, "user.a"))
    t("list", lambda: sorted(n for n in os.listxattr(p) if n.startswith("user.")))
    t("remove", lambda: os.removexattr(p, "user.a")); t("remove again", lambda: os.removexattr(p, "user.a"))
    t("get removed", lambda: os.getxattr(p, "user.a"))
    t("trusted", lambda: os.setxattr(p, "trusted.mine", b"1")); t("trusted back", lambda: os.getxattr(p, "trusted.mine"))
    t("name too long", lambda: os.setxattr(p, "user." + "n" * 300, b"1"))
t("big", lambda: os.setxattr("f", "user.big", b"B" * 2000)); t("big back", lambda: len(os.getxattr("f", "user.big")))
t("user on symlink", lambda: os.setxattr("l", "user.a", b"x", follow_symlinks=False))
for i in range(12): os.setxattr("d", "user.n%d" % i, b"%d" % i)
print(sorted(n for n in os.listxattr("d") if n.startswith("user.")))
os.rename("f", "g"); print(os.getxattr("g", "user.b")[:3]); os.rename("d", "e"); print(os.getxattr("e", "user.n7"))
P
setfattr -x user.big g; getfattr -d -m '^user' g | sort
