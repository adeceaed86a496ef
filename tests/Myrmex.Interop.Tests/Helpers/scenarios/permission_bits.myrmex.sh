# The stock distribute translator gives the sticky bit of a file, and set-gid beside it, a meaning of its own and hides them.
touch f; for m in 1644 7777 3000 1000; do chmod $m f; show f; done
