#!/bin/bash
# tinyproxy.sh DIR OPEN LOGIN NARROW: starts tinyproxy (see lib.sh), an HTTP proxy with CONNECT. On OPEN it
# serves everybody, on LOGIN the user bench with the password secret, on NARROW it lets nobody through but
# to port 443. DIR/log has the requests. Does not need root.
. "$(dirname "$0")/lib.sh"

PROXY=$SRV/tinyproxy/usr/bin/tinyproxy
installed "$PROXY"
# conf PORT LINE...: without a LogFile it logs to standard output, as it does in the foreground (-d).
conf() {
  local port=$1
  shift
  printf '%s\n' "Port $port" "Listen $ADDR" "Timeout 60" "MaxClients 20" "LogLevel Info" "$@" > "$D/$port.conf"
}
conf "$P1"
conf "$P2" "BasicAuth bench secret"
conf "$P3" "ConnectPort 443"
# shellcheck disable=SC2016 # for the shell that is started
start "$P1 $P2 $P3" bash -c '
  for port in "$3" "$4" "$5"; do "$1" -d -c "$2/$port.conf" & done; wait
' tinyproxy "$PROXY" "$D" "$P1" "$P2" "$P3"
