#!/bin/bash
# unbound.sh DIR PLAIN STARTTLS IMPLICIT: starts Unbound 1.17, a DNS resolver, on PLAIN alone, over UDP and TCP
# (see lib.sh). It knows the zone "example", of domains that publish their submission servers in every way, fails
# for lame.example, whose zone is empty, and asks no other server about anything.
# Does not need root.
. "$(dirname "$0")/lib.sh"

BIN=$SRV/unbound/usr/sbin/unbound
installed "$BIN"
{
  cat <<'ZONE'
$ORIGIN example.
$TTL 60
@ SOA ns.example. hostmaster.example. 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.53

; Both services, priorities across them, a weight of nothing beside one of all.
_submissions._tcp.both SRV 10 0 465 mail.both
_submissions._tcp.both SRV 30 0 4650 spare.both
_submission._tcp.both SRV 20 0 587 spare.both
_submission._tcp.both SRV 20 65535 587 mail.both

; A server outside of the domain: a provider's, or a forger's.
_submissions._tcp.forged SRV 0 0 465 mail.attacker
_submission._tcp.forged SRV 10 0 587 forged.attacker.example.

; A server outside of the domain and one of its own.
_submissions._tcp.mixed SRV 0 0 465 mail.attacker
_submission._tcp.mixed SRV 10 0 587 mixed

; Only the port that servers use among themselves.
_submission._tcp.port25 SRV 0 0 25 mail.port25
port25 MX 10 mail.port25

; Not offered.
_submissions._tcp.none SRV 0 0 0 .
_submission._tcp.none SRV 0 0 0 .
none MX 10 aspmx.l.google.com.

; The service is an alias into another domain; the servers are the domain's own.
_submission._tcp.alias CNAME services.hoster
services.hoster SRV 0 0 587 mail.alias

; An alias that leads nowhere else.
_submission._tcp.circle CNAME one.circle
one.circle CNAME _submission._tcp.circle

; Customers of providers, by their mail exchangers.
workspace MX 5 alt1.aspmx.l.google.com.
workspace MX 1 aspmx.l.google.com.
contoso MX 0 contoso-example.mail.protection.outlook.com.

; A domain without any of it.
plain A 192.0.2.1
ZONE
  # An answer that no UDP datagram of 1232 octets holds.
  for i in {1..90}; do
    echo "_submission._tcp.large SRV $i 0 587 mail-$i.large"
  done
} > "$D/example.zone"
: > "$D/empty.zone"
cat > "$D/unbound.conf" <<CONF
server:
  interface: $ADDR
  port: $P1
  directory: "$D"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  local-zone: "example." nodefault
auth-zone:
  name: "example."
  zonefile: "example.zone"
  for-downstream: no
  fallback-enabled: no
auth-zone:
  name: "lame.example."
  zonefile: "empty.zone"
  for-downstream: no
  fallback-enabled: no
remote-control:
  control-enable: no
CONF
start "$P1" "$BIN" -d -c "$D/unbound.conf"
