#!/bin/bash
# exim4.sh DIR PLAIN STARTTLS IMPLICIT: starts Exim 4.96 with GnuTLS (see lib.sh). Offers AUTH PLAIN, LOGIN and
# CRAM-MD5, and EXTERNAL to whom shows the certificate $CERTS/client.pem, PIPELINING, CHUNKING, DSN and SMTPUTF8.
# Mail goes to the Maildir DIR/mail, with LF line ends.
# nobody@refused.example is refused with 550 5.1.1, later@refused.example put off with 450 4.2.1. Needs root.
. "$(dirname "$0")/lib.sh"

EXIM=$SRV/exim4/usr/sbin/exim4
installed "$EXIM"
mkdir -p "$D"/{spool,logs,mail}
cp "$CERTS/server.pem" "$D/cert.pem"
cp "$CERTS/server.key" "$D/key.pem"
chown -R Debian-exim:Debian-exim "$D"/{spool,logs,mail,cert.pem,key.pem}
cat > "$D/conf" <<CONF
primary_hostname = localhost
exim_path = $EXIM
spool_directory = $D/spool
log_file_path = $D/logs/%s
pid_file_path = $D/exim.pid
local_interfaces = $ADDR
daemon_smtp_ports = $P1 : $P2 : $P3
daemon_startup_retries = 0
tls_on_connect_ports = $P3
tls_advertise_hosts = *
tls_certificate = $D/cert.pem
tls_privatekey = $D/key.pem
tls_verify_certificates = $CERTS/ca.pem
tls_try_verify_hosts = *
chunking_advertise_hosts = *
pipelining_connect_advertise_hosts = *
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
message_size_limit = 1G
smtp_accept_queue_per_connection = 0
keep_environment =
never_users =
acl_smtp_rcpt = recipients

begin acl
recipients:
  deny recipients = nobody@refused.example
       message = 550 5.1.1 nobody of that name here
  defer recipients = later@refused.example
        message = 450 4.2.1 come back later
  accept condition = \${if eq{\$received_port}{$P1}}
  accept authenticated = *
  deny message = authentication required

begin routers
all:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  maildir_format
  envelope_to_add
  directory = $D/mail
  user = Debian-exim
  group = Debian-exim
  create_directory

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth2}{bench}}{eq{\$auth3}{secret}}}}
  server_set_id = \$auth2
  server_advertise_condition = \${if def:tls_in_cipher}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = \${if and{{eq{\$auth1}{bench}}{eq{\$auth2}{secret}}}}
  server_set_id = \$auth1
  server_advertise_condition = \${if def:tls_in_cipher}
external:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = \$tls_in_certificate_verified
  server_param2 = \${certextract{subject,CN}{\$tls_in_peercert}}
  server_condition = \${if eq{\$auth2}{bench}}
  server_set_id = \$auth2
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = \${if eq{\$auth1}{bench}{secret}fail}
  server_set_id = \$auth1
  server_advertise_condition = \${if def:tls_in_cipher}
CONF
start "$P1 $P2 $P3" "$EXIM" -C "$D/conf" -bdf -q30m
