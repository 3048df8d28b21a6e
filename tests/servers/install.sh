#!/bin/bash
# install.sh: puts the servers of these tests onto this machine. Call it as root, without arguments.
#
# Postfix, Exim, OpenSMTPD and chasquid conflict with one another as Debian packages, and Unbound would be
# the machine's resolver: they are unpacked under $SMTPSEND_SERVERS (default /opt/smtpsend-servers), and only the
# libraries they link are installed. Dovecot has its paths compiled in: it is installed, and kept from starting.
# aiosmtpd lives in a virtual environment next to the others, Dovecot 2.4 in the files of the Debian it is from,
# and so do the programs that call sendmail.
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

# download PACKAGE: its file, which $deb names then.
download() {
  update
  rm -f "$SRV/debs/$1"_*.deb
  (cd "$SRV/debs" && apt-get download -q "$1" > "$SRV/apt.log" 2>&1) \
    || { tail -20 "$SRV/apt.log" >&2; return 1; }
  deb=$(ls "$SRV/debs/$1"_*.deb)
}

# unpack NAME PACKAGE PROGRAM: PACKAGE under $SRV/NAME, and the libraries it depends on installed.
unpack() {
  local name=$1 package=$2 program=$3 deb libraries
  [ ! -x "$SRV/$name/$program" ] || [ ! -e "$SRV/$name/complete" ] || return 0
  echo "unpacking $package"
  rm -rf "${SRV:?}/$name"
  download "$package"
  dpkg-deb -x "$deb" "$SRV/$name"
  [ -x "$SRV/$name/$program" ] || { echo "install.sh: $package has no $program" >&2; return 1; }
  libraries=$(dpkg-deb -f "$deb" Pre-Depends Depends | tr ',:' '\n' \
    | sed -E 's/^ +//; s/[ |(].*//' | grep '^lib' || true)
  # shellcheck disable=SC2086 # a list of names
  need $libraries
  touch "$SRV/$name/complete"
}

# files_of PACKAGE ROOT FILE...: these of the package's files, under ROOT; what it depends on is left alone.
files_of() {
  local deb root=$2
  download "$1"
  shift 2
  dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$root" "$@"
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

unpack opendkim opendkim usr/sbin/opendkim

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
if [ ! -e "$SRV/dkimpy/complete" ]; then
  echo "installing dkimpy"
  rm -rf "$SRV/dkimpy"
  need python3-venv
  /usr/bin/python3 -m venv "$SRV/dkimpy"
  "$SRV/dkimpy/bin/pip" install -q dkimpy==1.1.8 pynacl==1.6.2
  "$SRV/dkimpy/bin/python" -c 'import dkim, nacl'
  touch "$SRV/dkimpy/complete"
fi
# The programs that call sendmail, in a Debian without any mail server: the tests put theirs there (callers.sh).
if [ ! -e "$SRV/callers/complete" ]; then
  echo "unpacking the callers of sendmail"
  need mmdebstrap
  root=$SRV/callers
  rm -rf "$root"
  # shellcheck disable=SC2016 # expanded by the hook's shell
  mmdebstrap --quiet --mode=root --variant=extract --include='?essential' \
    --include=cron,fail2ban,git-email,libemail-sender-perl,libfaketime,libmime-lite-perl,mdadm,mutt,php8.2-cli \
    --include=php8.2-mbstring,php-symfony-mailer,python3-django,s-nail,systemd,unattended-upgrades \
    --include=libbsd0,liblockfile1 \
    --setup-hook='for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d"; done' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
    bookworm "$root" > "$SRV/apt.log" 2>&1 || { tail -20 "$SRV/apt.log" >&2; false; }
  # The one is for those who have a mail server, the other in place of cron: their files do without.
  files_of bsd-mailx "$root" ./usr/bin/bsd-mailx
  files_of systemd-cron "$root" ./lib/systemd-cron/mail_on_failure ./lib/systemd/system/cron-failure@.service
  # The last release of a backend for Django, which has none of its own.
  "$SRV/aiosmtpd/bin/pip" install -q --no-deps --no-compile --target "$root/usr/lib/python3/dist-packages" \
    cr-sendmail-django==1.0
  # What the packages' own scripts would make.
  ln -s mawk "$root/usr/bin/awk"
  ln -s php8.2 "$root/usr/bin/php"
  cp "$root"/usr/share/php8.2-*/*/*.ini "$root/etc/php/8.2/cli/conf.d"
  for kind in auth account password session session-noninteractive; do
    echo "${kind%-*} required pam_permit.so" > "$root/etc/pam.d/common-$kind"
  done
  cat > "$root/etc/passwd" <<USERS
root:x:0:0:root:/root:/bin/sh
www-data:x:33:33::/var/www:/usr/sbin/nologin
_cron-failure:x:102:102::/nonexistent:/usr/sbin/nologin
alice:x:1000:1000:Alice Example:/home/alice:/bin/sh
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
USERS
  cat > "$root/etc/group" <<GROUPS
root:x:0:
tty:x:5:
mail:x:8:www-data,_cron-failure,alice
www-data:x:33:
crontab:x:101:
_cron-failure:x:102:
systemd-journal:x:103:
alice:x:1000:
nogroup:x:65534:
GROUPS
  install -d -o 1000 -g 1000 "$root/home/alice"
  printf 'passwd: files\ngroup: files\nhosts: files\n' > "$root/etc/nsswitch.conf"
  printf '127.0.0.1 localhost\n127.0.1.1 web1\n' > "$root/etc/hosts"
  echo web1 > "$root/etc/hostname"
  : > "$root/etc/resolv.conf"
  echo 0123456789abcdef0123456789abcdef > "$root/etc/machine-id"
  touch "$root/complete"
fi
echo "the servers are in $SRV"
