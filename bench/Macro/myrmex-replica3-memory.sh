# Myrmex, as myrmex-replica3.sh, with changes answered from memory; JOURNAL_SYNC_MS sets how long they wait for the disk
MX_OPTS="journal.acknowledge memory${JOURNAL_SYNC_MS:+;journal.sync-interval $JOURNAL_SYNC_MS}"
source "$(dirname "${BASH_SOURCE[0]}")/myrmex-replica3.sh"
