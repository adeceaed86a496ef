# Myrmex, own thin FUSE client, a proxy, one journal-replicated set of three bricks, default options; the rest as myrmex-distribute.sh
MX_TYPE="replica 3" MX_MOUNT="--thin" MX_OPTS="config.gfproxyd on${MX_OPTS:+;$MX_OPTS}"
source "$(dirname "${BASH_SOURCE[0]}")/myrmex-distribute.sh"
