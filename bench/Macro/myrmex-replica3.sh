# Myrmex, own FUSE client, one journal-replicated set of three bricks, default options; the rest as myrmex-distribute.sh
MX_TYPE="replica 3"
source "$(dirname "${BASH_SOURCE[0]}")/myrmex-distribute.sh"
