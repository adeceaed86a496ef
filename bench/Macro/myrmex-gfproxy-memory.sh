# Myrmex, as myrmex-gfproxy.sh, with changes answered from memory, as GlusterFS answers all but fsync
MX_OPTS="journal.acknowledge memory"
source "$(dirname "${BASH_SOURCE[0]}")/myrmex-gfproxy.sh"
