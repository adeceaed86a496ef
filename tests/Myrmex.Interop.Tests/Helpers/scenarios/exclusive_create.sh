for round in $(seq 10); do for w in 1 2 3 4; do (set -C; { echo "$w" > lock$round; } 2>/dev/null && echo won >> wins$round; true) & done; wait; wc -l < wins$round; done
for round in $(seq 10); do for w in 1 2 3 4; do (mkdir dir$round 2>/dev/null && echo won >> dwins$round; true) & done; wait; wc -l < dwins$round; done
