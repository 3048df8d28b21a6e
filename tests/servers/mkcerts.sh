#!/bin/bash
# mkcerts.sh DIR: makes a certificate authority (DIR/ca.pem) and a certificate of its own for localhost
# and mail.test (DIR/server.pem with the chain, DIR/server.key), and one for the user bench (DIR/client.pem,
# DIR/client.key), all ECDSA P-256, good for a year.
# Does nothing when they are there. Needs openssl.
set -euo pipefail

mkdir -p "$1"
cd "$1"
[ ! -s server.pem ] || exit 0
umask 077
quietly() { "$@" 2> openssl.log || { cat openssl.log >&2; return 1; }; }

quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
  -sha256 -days 365 -subj "/CN=smtpsend test authority" \
  -addext keyUsage=critical,keyCertSign,cRLSign
quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr \
  -subj "/CN=localhost"
cat > extensions <<'EXT'
basicConstraints=CA:FALSE
keyUsage=digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=DNS:localhost,DNS:mail.test,IP:127.0.0.1
EXT
quietly openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -sha256 \
  -extfile extensions -out server.crt

quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -out client.csr \
  -subj "/CN=bench"
cat > extensions <<'EXT'
basicConstraints=CA:FALSE
keyUsage=digitalSignature
extendedKeyUsage=clientAuth
subjectAltName=email:bench@example.com
EXT
quietly openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -sha256 \
  -extfile extensions -out client.pem

cat server.crt ca.pem > chain.new
chmod 644 ca.pem client.pem chain.new
mv chain.new server.pem
