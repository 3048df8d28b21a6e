#!/bin/bash
# opensmtpd.sh DIR PLAIN STARTTLS IMPLICIT: starts OpenSMTPD 6.8 (see lib.sh) on PLAIN only, without TLS and AUTH;
# the other ports are not used. Offers neither PIPELINING nor CHUNKING, and refuses commands sent ahead. Mail goes
# to the Maildir DIR/mail, with LF line ends. Its spool and its socket have fixed places: it runs in a mount
# namespace with directories of DIR over them, so that several can run at once. Needs root.
. "$(dirname "$0")/lib.sh"

SMTPD=$SRV/opensmtpd/usr/sbin/smtpd
installed "$SMTPD"
mkdir -p "$D"/{spool,run,mail}
chown nobody:nogroup "$D/mail"
chmod 711 "$D/spool"
printf '@ nobody\n' > "$D/catchall"
cat > "$D/conf" <<CONF
table catchall file:$D/catchall
smtp max-message-size 1G
listen on $ADDR port $P1 hostname localhost
action "keep" maildir "$D/mail" virtual <catchall>
match from any for any action "keep"
CONF
# shellcheck disable=SC2016 # expanded by the inner shell
start "$P1" unshare --mount --propagation private sh -ec '
  mount --bind "$1/spool" /var/spool/smtpd
  mount --bind "$1/run" /run
  mount --bind "$2/opensmtpd/usr/libexec/opensmtpd" /usr/libexec/opensmtpd
  exec "$2/opensmtpd/usr/sbin/smtpd" -d -f "$1/conf"
' sh "$D" "$SRV"
