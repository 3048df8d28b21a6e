#!/bin/bash
# dovecot.sh DIR RELAY STARTTLS IMPLICIT: starts the submission service of Dovecot 2.3 (see lib.sh), a proxy:
# it hands the mail to the plain SMTP server on the port RELAY of $ADDR, which must be running and keeps the
# mail. Offers AUTH PLAIN, LOGIN, CRAM-MD5 and SCRAM-SHA-256. Needs root.
. "$(dirname "$0")/lib.sh"

installed /usr/sbin/dovecot /usr/lib/dovecot/submission
mkdir -p "$D"/{run,state,home}
chown nobody:nogroup "$D/home"
echo 'bench:{PLAIN}secret' > "$D/users"
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
auth_mechanisms = plain login cram-md5 scram-sha-256
auth_failure_delay = 0
passdb {
  driver = passwd-file
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
