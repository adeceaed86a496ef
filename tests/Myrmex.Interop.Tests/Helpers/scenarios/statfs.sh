stat -f -c 'namelen %l' .
read -r total free avail files < <(stat -f -c '%b %f %a %c' .)
(( total > 0 && free > 0 && avail > 0 && avail <= free && free <= total && files > 0 )) && echo plausible
df . > /dev/null && echo df
