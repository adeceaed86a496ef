# Shared by all scenarios: words for "do it and print how it ended". A scenario prints nothing that differs between file systems
# (inode numbers, block counts, sizes and link counts of directories, order of listings).
umask 022
export LC_ALL=C.UTF-8

# try CMD...: prints the command's output and exit code; never ends the script. Error texts are cut to the errno
# text, and EEXIST reads as ENOTEMPTY: a rename over a full directory may answer either.
try() {
  local rc=0 out
  out=$("$@" 2>&1) || rc=$?
  printf '%s' "$out" | sed -E 's/^[a-z_0-9]+: .*: ([A-Z][A-Za-z ,()-]+)$/\1/; s/^File exists$/Directory not empty/'
  [[ -z $out ]] || echo
  echo "rc $rc"
}

# show PATH...: type, permissions, owner, and for what is no directory links and size.
show() {
  local p
  for p in "$@"; do
    if [[ -d $p && ! -L $p ]]; then stat -c '%n %F %a %u:%g' -- "$p"; else stat -c '%n %F %a %u:%g links %h size %s' -- "$p"; fi
  done
}

# tree [DIR]: every object below, sorted, with its type, permissions, owner, and size if it is a file.
tree() {
  local d=${1:-.}
  find "$d" -mindepth 1 \( -type d -printf '%P d %m %U:%G\n' -o -type l -printf '%P l -> %l\n' -o -printf '%P %y %m %U:%G %n %s\n' \) | LC_ALL=C sort
}

# sums [DIR]: checksums of every file below, sorted.
sums() { (cd "${1:-.}" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum); }

# random SEED BYTES: the same bytes for the same seed.
random() { head -c "$2" /dev/zero | openssl enc -aes-128-ctr -nosalt -K "$(printf '%032x' "$1")" -iv 0 2>/dev/null; }

# py: a python script from standard input.
py() { python3 - "$@"; }
