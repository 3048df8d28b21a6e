#!/bin/bash
# dkim.sh KEYS MESSAGE...: verifies the DKIM signatures of messages (files with CRLF line ends) by two programs that share
# no code: dkimpy and OpenDKIM. KEYS has a line for each name in DNS: the name and the text of its record; nobody else
# is asked. Prints for each message and verifier a line: VERIFIER pass|fail MESSAGE. Needs what install.sh installs,
# under $SMTPSEND_SERVERS; exits with 69 when it is not there. Does not need root.
set -euo pipefail

SRV=${SMTPSEND_SERVERS:-/opt/smtpsend-servers}
PYTHON=$SRV/dkimpy/bin/python
OPENDKIM=$SRV/opendkim/usr/sbin/opendkim
for program in "$PYTHON" "$OPENDKIM"; do
  [ -x "$program" ] || { echo "$program is not installed" >&2; exit 69; }
done
keys=$1
shift

"$PYTHON" - "$keys" "$@" <<'PY'
import dkim, sys

keys = dict(line.split(" ", 1) for line in open(sys.argv[1]).read().splitlines())


def record(name, timeout=5):
    return keys.get(name.decode().rstrip("."), "").encode()


for path in sys.argv[2:]:
    with open(path, "rb") as message:
        verdict = dkim.verify(message.read(), dnsfunc=record)
    print("dkimpy", "pass" if verdict else "fail", path)
PY

configuration=$(mktemp)
trap 'rm -f "$configuration"' EXIT
echo "TestPublicKeys $(realpath "$keys")" > "$configuration"
for message in "$@"; do
  said=$("$OPENDKIM" -x "$configuration" -t "$message" 2>&1 || true)
  case $said in
    *") succeeded"*) echo "opendkim pass $message" ;;
    *) echo "opendkim fail $message" ;;
  esac
done
