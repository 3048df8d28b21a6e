#!/bin/bash
# chasquid.sh DIR PLAIN STARTTLS IMPLICIT: starts chasquid 1.11 (see lib.sh). Offers AUTH PLAIN; its user is
# bench@localhost, the only sender it takes mail from. PLAIN is port 25's service: no relaying, TLS offered.
# Hands mail for b, c, d and e@localhost to a script that leaves each message as one file of DIR/mail, a
# Delivered-To on top, with LF line ends.
# Does not need root.
. "$(dirname "$0")/lib.sh"

BIN=$SRV/chasquid/usr/bin
installed "$BIN/chasquid" "$BIN/chasquid-util"
mkdir -p "$D"/{mail,data,conf/certs/localhost,conf/domains/localhost}
cp "$CERTS/server.pem" "$D/conf/certs/localhost/fullchain.pem"
cp "$CERTS/server.key" "$D/conf/certs/localhost/privkey.pem"
cat > "$D/deliver" <<SH
#!/bin/sh
{ echo "Delivered-To: \$1"; cat; } > "$D/mail/\$\$.part" && mv "$D/mail/\$\$.part" "$D/mail/\$\$.eml"
SH
chmod 755 "$D/deliver"
cat > "$D/conf/chasquid.conf" <<CONF
hostname: "localhost"
max_data_size_mb: 1024
smtp_address: "$ADDR:$P1"
submission_address: "$ADDR:$P2"
submission_over_tls_address: "$ADDR:$P3"
data_dir: "$D/data"
mail_log_path: "$D/mail.log"
mail_delivery_agent_bin: "$D/deliver"
mail_delivery_agent_args: "%to%"
CONF
"$BIN/chasquid-util" -C="$D/conf" user-add bench@localhost --password=secret > "$D/users.log" 2>&1 \
  || { cat "$D/users.log" >&2; exit 75; }
# Hashing a password takes its time: the recipients share this one.
USERS=$D/conf/domains/localhost/users
for user in b c d e; do
  sed "s/\"bench\"/\"$user\"/" "$USERS"
done > "$D/recipients"
cat "$D/recipients" >> "$USERS"
start "$P1 $P2 $P3" "$BIN/chasquid" -config_dir "$D/conf" -logtime
