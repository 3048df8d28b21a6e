#!/bin/bash
# microsocks.sh DIR OPEN LOGIN UNUSED: starts microsocks (see lib.sh), a SOCKS 5 proxy. On OPEN it serves
# everybody, on LOGIN the user bench with the password secret. DIR/log names each server by the name or
# address that was asked for. Does not need root.
. "$(dirname "$0")/lib.sh"

PROXY=$SRV/microsocks/usr/bin/microsocks
installed "$PROXY"
# shellcheck disable=SC2016 # for the shell that is started
start "$P1 $P2" bash -c '
  "$1" -i "$2" -p "$3" & "$1" -i "$2" -p "$4" -u bench -P secret & wait
' microsocks "$PROXY" "$ADDR" "$P1" "$P2"
