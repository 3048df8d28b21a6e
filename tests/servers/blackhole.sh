#!/bin/bash
# blackhole.sh: a network of two machines that swallows packets to chosen ports, as some providers' firewalls do.
#
#   blackhole.sh up NAME          makes the network namespaces NAME-client (10.77.0.1) and NAME-server (10.77.0.2),
#                                 joined by a veth pair; NAME-client knows 10.77.0.2 as mail.test
#   blackhole.sh drop NAME PORT   drops what comes in to that TCP port of NAME-server, answering nothing
#   blackhole.sh down NAME        removes all of it, or what there is of it
#
# Run programs in them with `ip netns exec NAME-client PROGRAM…`. The addresses exist in these namespaces only: several
# networks can stand at once. Needs root, iproute2 and nftables; exits with 69 when the kernel cannot do it.
set -euo pipefail

[ $# -ge 2 ] || { echo "usage: $0 up|down NAME, $0 drop NAME PORT" >&2; exit 64; }
CLIENT=$2-client SERVER=$2-server
PATH=$PATH:/usr/sbin:/sbin

down() {
  ip netns del "$CLIENT" 2> /dev/null || true
  ip netns del "$SERVER" 2> /dev/null || true
  rm -rf "/etc/netns/$CLIENT"
}

# kernel COMMAND...: a failure means that this kernel lacks what we ask for.
kernel() {
  "$@" || { echo "this kernel cannot: $*" >&2; down; exit 69; }
}

case $1 in
up)
  mkdir -p "/etc/netns/$CLIENT"
  printf '127.0.0.1 localhost\n10.77.0.2 mail.test\n' > "/etc/netns/$CLIENT/hosts"
  : > "/etc/netns/$CLIENT/resolv.conf"
  kernel ip netns add "$CLIENT"
  kernel ip netns add "$SERVER"
  kernel ip link add eth0 netns "$CLIENT" type veth peer name eth0 netns "$SERVER"
  kernel ip netns exec "$SERVER" nft \
    'add table inet filter; add chain inet filter input { type filter hook input priority 0; }'
  ip -n "$CLIENT" addr add 10.77.0.1/24 dev eth0
  ip -n "$SERVER" addr add 10.77.0.2/24 dev eth0
  for namespace in "$CLIENT" "$SERVER"; do
    ip -n "$namespace" link set lo up
    ip -n "$namespace" link set eth0 up
  done
  ;;
drop)
  ip netns exec "$SERVER" nft add rule inet filter input tcp dport "$3" drop
  ;;
down)
  down
  ;;
*)
  echo "$0: no such command: $1" >&2
  exit 64
  ;;
esac
