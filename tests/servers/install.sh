#!/bin/bash
# install.sh: puts the servers of these tests onto this machine. Call it as root, without arguments.
#
# Postfix, Exim, OpenSMTPD and chasquid conflict with one another as Debian packages, and Unbound would be
# the machine's resolver: they are unpacked under $SMTPSEND_SERVERS (default /opt/smtpsend-servers), and only the
# libraries they link are installed. Dovecot has its paths compiled in: it is installed, and kept from starting.
# aiosmtpd lives in a virtual environment next to the others, Dovecot 2.4 in the files of the Debian it is from.
# Nothing is started, and no service of the machine is changed.
#
# Needs Debian 12 (the recipes are written for its versions), root, and the Debian and Python package
# registries. Does nothing, quickly, when all is there; ends with a message and non-zero when something
# cannot be had.
set -euo pipefail

SRV=${SMTPSEND_SERVERS:-/opt/smtpsend-servers}
trap 'echo "install.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
[ "$(id -u)" = 0 ] || { echo "install.sh: needs root" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
mkdir -p "$SRV/debs"
exec 9> "$SRV/lock"
flock 9
chmod 755 "$SRV"

updated=
update() {
  [ -z "$updated" ] || return 0
  apt-get update -q > "$SRV/apt.log" 2>&1 || { tail -20 "$SRV/apt.log" >&2; return 1; }
  updated=1
}

# A package that starts its service when installed is told not to, for the time of this script.
POLICY=/usr/sbin/policy-rc.d
keep_services_down() {
  [ ! -e "$POLICY" ] || return 0
  printf '#!/bin/sh\nexit 101\n' > "$POLICY"
  chmod 755 "$POLICY"
  trap 'rm -f "$POLICY"' EXIT
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }

# need PACKAGE...: installed, those that are not.
need() {
  local p missing=()
  for p in "$@"; do installed "$p" || missing+=("$p"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}"
  update
  keep_services_down
  apt-get install -y -q --no-install-recommends "${missing[@]}" > "$SRV/apt.log" 2>&1 \
    || { tail -20 "$SRV/apt.log" >&2; return 1; }
}

# unpack NAME PACKAGE PROGRAM: PACKAGE under $SRV/NAME, and the libraries it depends on installed.
unpack() {
  local name=$1 package=$2 program=$3 deb libraries
  [ ! -x "$SRV/$name/$program" ] || [ ! -e "$SRV/$name/complete" ] || return 0
  echo "unpacking $package"
  update
  rm -rf "${SRV:?}/$name" "$SRV/debs/$package"_*.deb
  (cd "$SRV/debs" && apt-get download -q "$package" > "$SRV/apt.log" 2>&1) \
    || { tail -20 "$SRV/apt.log" >&2; return 1; }
  deb=$(ls "$SRV/debs/$package"_*.deb)
  dpkg-deb -x "$deb" "$SRV/$name"
  [ -x "$SRV/$name/$program" ] || { echo "install.sh: $package has no $program" >&2; return 1; }
  libraries=$(dpkg-deb -f "$deb" Pre-Depends Depends | tr ',:' '\n' \
    | sed -E 's/^ +//; s/[ |(].*//' | grep '^lib' || true)
  # shellcheck disable=SC2086 # a list of names
  need $libraries
  touch "$SRV/$name/complete"
}

# user NAME: the system user a server gives its privileges up for.
user() { getent passwd "$1" > /dev/null || useradd -r -d "${2:-/nonexistent}" -s /usr/sbin/nologin -U "$1"; }

need openssl iproute2 nftables procps strace util-linux git

unpack postfix postfix usr/sbin/postfix
need libsasl2-modules sasl2-bin
user postfix
getent group postdrop > /dev/null || groupadd -r postdrop

unpack exim4 exim4-daemon-heavy usr/sbin/exim4
user Debian-exim

unpack opensmtpd opensmtpd usr/sbin/smtpd
user opensmtpd /var/lib/opensmtpd/empty
user opensmtpq
# Compiled into OpenSMTPD; the recipe mounts its own directories over them.
mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd /usr/libexec/opensmtpd
chown root:root /var/lib/opensmtpd/empty
chmod 711 /var/lib/opensmtpd/empty

unpack chasquid chasquid usr/bin/chasquid

unpack unbound unbound usr/sbin/unbound

unpack microsocks microsocks usr/bin/microsocks

unpack tinyproxy tinyproxy-bin usr/bin/tinyproxy

need dovecot-core dovecot-submissiond

# Dovecot 2.4, which knows channel binding, is in the next release of Debian: in a root of its own.
if [ ! -e "$SRV/trixie/complete" ]; then
  echo "unpacking Dovecot 2.4"
  need mmdebstrap
  rm -rf "$SRV/trixie"
  mmdebstrap --quiet --mode=root --variant=extract --include=dovecot-core,dovecot-submissiond \
    trixie "$SRV/trixie" > "$SRV/apt.log" 2>&1 || { tail -20 "$SRV/apt.log" >&2; false; }
  # What the packages' own scripts would make.
  for directory in bin sbin lib lib64; do
    [ -e "$SRV/trixie/$directory" ] || ln -s "usr/$directory" "$SRV/trixie/$directory"
  done
  mkdir -p "$SRV"/trixie/{mnt,run}
  getent passwd root nobody dovecot dovenull > "$SRV/trixie/etc/passwd"
  getent group root nogroup dovecot dovenull > "$SRV/trixie/etc/group"
  printf 'passwd: files\ngroup: files\nhosts: files\n' > "$SRV/trixie/etc/nsswitch.conf"
  printf '127.0.0.1 localhost\n' > "$SRV/trixie/etc/hosts"
  chroot "$SRV/trixie" /usr/sbin/dovecot --version > "$SRV/apt.log" 2>&1 || { tail -20 "$SRV/apt.log" >&2; false; }
  touch "$SRV/trixie/complete"
fi

if [ ! -e "$SRV/aiosmtpd/complete" ]; then
  echo "installing aiosmtpd"
  rm -rf "$SRV/aiosmtpd"
  need python3-venv
  /usr/bin/python3 -m venv "$SRV/aiosmtpd"
  "$SRV/aiosmtpd/bin/pip" install -q aiosmtpd==1.4.6
  "$SRV/aiosmtpd/bin/python" -c 'import aiosmtpd'
  touch "$SRV/aiosmtpd/complete"
fi
if [ ! -e "$SRV/aiosmtpd/scramp" ]; then
  "$SRV/aiosmtpd/bin/pip" install -q scramp==1.5.0
  touch "$SRV/aiosmtpd/scramp"
fi
echo "the servers are in $SRV"
