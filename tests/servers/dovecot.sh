#!/bin/bash
# dovecot.sh DIR RELAY STARTTLS IMPLICIT: starts the submission service of Dovecot 2.3 (see lib.sh), a proxy:
# it hands the mail to the plain SMTP server on the port RELAY of $ADDR, which must be running and keeps the
# mail. Offers AUTH PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1, SCRAM-SHA-256, OAUTHBEARER and XOAUTH2 (DIR/token is
# good for bench, DIR/token.expired was), and EXTERNAL to whom the certificate $CERTS/client.pem is shown for.
# Needs root.
. "$(dirname "$0")/lib.sh"

installed /usr/sbin/dovecot /usr/lib/dovecot/submission
mkdir -p "$D"/{run,state,home}
chown nobody:nogroup "$D/home"
echo 'bench:{PLAIN}secret' > "$D/users"

# Access tokens are checked by their signature alone, so that nobody has to be asked about them.
KEY=not-for-anything-else-than-these-tests
url64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
token() { # IAT EXP
  local signed
  signed=$(printf '{"typ":"JWT","alg":"HS256"}' | url64).$(printf '{"sub":"bench","scope":"mail","iat":%s,"exp":%s}' "$1" "$2" | url64)
  printf '%s.%s' "$signed" "$(printf %s "$signed" | openssl dgst -sha256 -hmac "$KEY" -binary | url64)"
}
mkdir -p "$D/keys/default/HS256"
printf %s "$KEY" | openssl base64 -A > "$D/keys/default/HS256/default"
token "$(date -d '1 hour ago' +%s)" "$(date -d '1 hour' +%s)" > "$D/token"
token "$(date -d '2 hours ago' +%s)" "$(date -d '1 hour ago' +%s)" > "$D/token.expired"
cat > "$D/oauth2" <<CONF
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=$D/keys/
username_attribute = sub
username_format = %u
scope = mail
CONF

cat > "$D/conf" <<CONF
protocols = submission
base_dir = $D/run
state_dir = $D/state
log_path = $D/dovecot.log
listen = $ADDR
hostname = localhost
ssl = required
ssl_cert = <$CERTS/server.pem
ssl_key = <$CERTS/server.key
ssl_dh =
ssl_ca = <$CERTS/ca.pem
ssl_require_crl = no
ssl_verify_client_cert = yes
ssl_cert_username_field = commonName
auth_ssl_username_from_cert = yes
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 oauthbearer xoauth2 external
auth_failure_delay = 0
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = $D/oauth2
}
passdb {
  driver = static
  mechanisms = external
  args = nopassword
}
passdb {
  driver = passwd-file
  mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
  args = scheme=PLAIN username_format=%u $D/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=$D/home
}
mail_location = maildir:$D/home/Maildir
first_valid_uid = 1
first_valid_gid = 1
submission_relay_host = $ADDR
submission_relay_port = $P1
submission_max_mail_size = 1G
service submission-login {
  inet_listener submission {
    port = $P2
  }
  inet_listener submissions {
    port = $P3
    ssl = yes
  }
}
service anvil {
  # Without it nobody waits longer after each wrong password.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
CONF
start "$P2 $P3" /usr/sbin/dovecot -F -c "$D/conf"
