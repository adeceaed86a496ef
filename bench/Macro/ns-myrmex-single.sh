# One server with one brick, as an NFS server would be: the rest as ns-myrmex-gfproxy.sh
NS_SERVERS=1 MX_TYPE=" " MX_OPTS="client.mode thick" MX_MOUNT=" "
source "$(dirname "${BASH_SOURCE[0]}")/ns-myrmex-gfproxy.sh"
