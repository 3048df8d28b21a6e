# shellcheck shell=bash disable=SC2034 # the recipes use what is set here
# lib.sh: what the recipes share; each sources it first.
#
# NAME.sh DIR PLAIN STARTTLS IMPLICIT starts the server NAME with all it writes under DIR, listening on
# $ADDR (default 127.0.0.1) on three ports: PLAIN without TLS or AUTH, STARTTLS and IMPLICIT with TLS and
# AUTH demanded (user bench, password secret). Once it listens, its pid is printed. It leads a
# process group of its own: `kill -- -PID` ends it and its children. Mail for any recipient is left under
# DIR/mail, except for nobody@refused.example and later@refused.example where the recipe says so.
#
# Every directory above DIR must be passable for the users the servers give their privileges up for.
# Certificates: in $CERTS (default DIR/certs), made by mkcerts.sh when missing. Needs what install.sh
# installs, under $SMTPSEND_SERVERS. Exits with 69 when the server is not installed; with 75 when it did not
# come up, as when one of the ports was taken in the meantime: then nothing is left running.
set -euo pipefail

[ $# = 4 ] || { echo "usage: $0 DIR PLAIN STARTTLS IMPLICIT" >&2; exit 64; }
NAME=$(basename "$0" .sh)
HERE=$(cd "$(dirname "$0")" && pwd)
SRV=${SMTPSEND_SERVERS:-/opt/smtpsend-servers}
ADDR=${ADDR:-127.0.0.1}
mkdir -p "$1"
D=$(cd "$1" && pwd)
P1=$2 P2=$3 P3=$4
CERTS=${CERTS:-$D/certs}
PATH=$PATH:/usr/sbin:/sbin

# installed PROGRAM...: ends the recipe when one is not there.
installed() {
  local p
  for p in "$@"; do
    [ -x "$p" ] || { echo "$p is not installed" >&2; exit 69; }
  done
}

# Whether a process of our server's group listens on PORT (and not a stranger who took it first).
listens() {
  local pid
  for pid in $(ss -Hltnp "sport = :$1" | grep -o 'pid=[0-9]*' | cut -d= -f2); do
    [ "$(ps -o pgid= -p "$pid" | tr -d ' ')" != "$PID" ] || return 0
  done
  return 1
}

# start PORTS COMMAND...: in the background, as the leader of a process group, its output in DIR/log; prints its
# pid once it listens on each of PORTS (a list of words).
start() {
  local ports=$1 port tries=300
  shift
  setsid "$@" > "$D/log" 2>&1 < /dev/null &
  PID=$!
  for port in $ports; do
    until listens "$port"; do
      if ! kill -0 "$PID" 2> /dev/null || [ $((tries -= 1)) = 0 ]; then
        echo "$NAME does not listen on $port; the end of $D/log:" >&2
        tail -20 "$D/log" >&2
        kill -KILL -- "-$PID" 2> /dev/null || true
        exit 75
      fi
      sleep 0.05
    done
  done
  echo "$PID" > "$D/pid"
  echo "$PID"
}

chmod go+x "$D"
"$HERE/mkcerts.sh" "$CERTS"
