#!/bin/bash
# dovecot24.sh DIR RELAY STARTTLS IMPLICIT: starts the submission service of Dovecot 2.4 (see lib.sh), a proxy:
# it hands the mail to the plain SMTP server on the port RELAY of $ADDR, which must be running and keeps the
# mail. Offers AUTH PLAIN, and SCRAM-SHA-1 and SCRAM-SHA-256 with and without channel binding. It is of another
# release of Debian than this machine: it runs within that one's files, with DIR as /mnt there. Needs root.
. "$(dirname "$0")/lib.sh"

ROOT=$SRV/trixie
installed "$ROOT/usr/sbin/dovecot" "$ROOT/usr/lib/dovecot/submission"
mkdir -p "$D"/{run,state,home}
chown nobody:nogroup "$D/home"
cp "$CERTS/server.pem" "$D/cert.pem"
cp "$CERTS/server.key" "$D/key.pem"
echo 'bench:{PLAIN}secret' > "$D/users"
cat > "$D/conf" <<CONF
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols = submission
base_dir = /mnt/run
state_dir = /mnt/state
log_path = /mnt/dovecot.log
listen = $ADDR
hostname = localhost
ssl = required
ssl_server_cert_file = /mnt/cert.pem
ssl_server_key_file = /mnt/key.pem
auth_mechanisms = plain scram-sha-1 scram-sha-1-plus scram-sha-256 scram-sha-256-plus
auth_failure_delay = 0
passdb passwd-file {
  passwd_file_path = /mnt/users
}
userdb static {
  fields {
    uid = nobody
    gid = nogroup
    home = /mnt/home
  }
}
mail_driver = maildir
mail_path = /mnt/home/Maildir
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
CONF
# shellcheck disable=SC2016 # expanded by the inner shell
start "$P2 $P3" unshare --mount --propagation private sh -ec '
  mount --bind "$1" "$2/mnt"
  exec chroot "$2" /usr/sbin/dovecot -F -c /mnt/conf
' sh "$D" "$ROOT"
