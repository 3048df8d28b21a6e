#!/bin/bash
# postfix.sh DIR PLAIN STARTTLS IMPLICIT: starts Postfix 3.7 with Cyrus SASL (see lib.sh). Offers AUTH PLAIN, LOGIN,
# CRAM-MD5, SCRAM-SHA-1 and SCRAM-SHA-256, PIPELINING, CHUNKING, DSN and SMTPUTF8. Mail goes to the Maildir DIR/mail, with LF
# line ends. nobody@refused.example is refused with 550 5.1.1, later@refused.example put off with 450 4.2.1.
# Needs root.
. "$(dirname "$0")/lib.sh"

R=$SRV/postfix
export LD_LIBRARY_PATH=$R/usr/lib/postfix
installed "$R/usr/sbin/postfix" /usr/sbin/saslpasswd2
mkdir -p "$D"/{etc/sasl,spool,data,mail}
chown postfix "$D/data"
chown nobody:nogroup "$D/mail"
echo secret | saslpasswd2 -p -c -u localhost -f "$D/etc/sasl/db" bench
chmod 644 "$D/etc/sasl/db"
cat > "$D/etc/sasl/smtpd.conf" <<CONF
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: $D/etc/sasl/db
mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256
CONF
cat > "$D/etc/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $D/spool
data_directory = $D/data
command_directory = $R/usr/sbin
daemon_directory = $R/usr/lib/postfix/sbin
shlib_directory = $R/usr/lib/postfix
meta_directory = $D/etc
sendmail_path = $R/usr/sbin/sendmail
newaliases_path = $R/usr/bin/newaliases
mailq_path = $R/usr/bin/mailq
import_environment = MAIL_CONFIG LD_LIBRARY_PATH TZ
export_environment = MAIL_CONFIG LD_LIBRARY_PATH TZ
mail_owner = postfix
setgid_group = postdrop
maillog_file = /dev/stdout
maillog_file_prefixes = /dev/stdout
inet_interfaces = $ADDR
inet_protocols = ipv4
myhostname = localhost
mydestination =
alias_maps =
virtual_mailbox_domains = static:all
virtual_mailbox_base = $D/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
mailbox_size_limit = 0
virtual_mailbox_limit = 0
message_size_limit = 1073741824
bad_recipients = inline:{
  { nobody@refused.example = 550 5.1.1 nobody of that name here }
  { later@refused.example = 450 4.2.1 come back later }}
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access \$bad_recipients
submission_restrictions = check_recipient_access \$bad_recipients, permit_sasl_authenticated, reject
smtpd_tls_cert_file = $CERTS/server.pem
smtpd_tls_key_file = $CERTS/server.key
smtpd_tls_auth_only = yes
smtpd_tls_session_cache_database =
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = localhost
CONF
submission="-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions= -o smtpd_recipient_restrictions=\$submission_restrictions"
cat > "$D/etc/master.cf" <<CONF
$ADDR:$P1 inet n - n - - smtpd
$ADDR:$P2 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt $submission
$ADDR:$P3 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes $submission
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
CONF
# What "postfix start" would make, and more slowly.
mkdir -p "$D"/spool/{active,bounce,corrupt,defer,deferred,flush,hold,incoming,maildrop,pid,private,public,saved,trace}
chown postfix "$D"/spool/{active,bounce,corrupt,defer,deferred,flush,hold,incoming,private,saved,trace}
chown postfix:postdrop "$D"/spool/{maildrop,public}
chmod 730 "$D/spool/maildrop"
chmod 710 "$D/spool/public"
# Postfix waits for files that changed within this second to settle.
touch -d '1 minute ago' "$D"/etc/{main,master}.cf
export MAIL_CONFIG=$D/etc
start "$P1 $P2 $P3" "$R/usr/lib/postfix/sbin/master" -d -c "$D/etc"
