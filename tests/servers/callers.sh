#!/bin/bash
# callers.sh DIR PROGRAM COMMAND...: runs COMMAND as root in a clean Debian without a mail server, but for PROGRAM:
# it is there as /usr/bin/smtpsend, and as /usr/sbin/sendmail by a symbolic link. The host is called web1; its network is
# this machine's. What is changed there is kept under DIR/changes, for the next command and for the test to look
# at, or to lay before the first; everything else about it is gone when COMMAND ends, and so are all its processes.
#
# DIR must be passable for other users. Needs root, and what install.sh installs. Exits with 69 when that is not there,
# else as COMMAND does. Killed (SIGKILL: the others are not heard), it ends COMMAND as well.
set -euo pipefail

ROOT=${SMTPSEND_SERVERS:-/opt/smtpsend-servers}/callers
[ -e "$ROOT/complete" ] || { echo "$ROOT is not installed" >&2; exit 69; }
D=$1 PROGRAM=$2
shift 2
mkdir -p "$D"/{changes,work,root}
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --mount --propagation private --pid --fork --kill-child --cgroup --ipc --uts sh -ec '
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/changes,workdir=$2/work" "$2/root"
  cd "$2/root"
  hostname web1
  mount -t proc proc proc
  # The settings of the kernel and its devices are the machine'\''s.
  mount -o bind,ro proc/sys proc/sys
  mount -t sysfs -o ro sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs tmpfs run
  mount -t tmpfs tmpfs dev
  for device in full null random tty urandom zero; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
  done
  ln -s /proc/self/fd dev/fd
  ln -s fd/0 dev/stdin
  ln -s fd/1 dev/stdout
  ln -s fd/2 dev/stderr
  mkdir -m 1777 dev/shm
  touch usr/bin/smtpsend
  mount --bind "$3" usr/bin/smtpsend
  ln -sf ../bin/smtpsend usr/sbin/sendmail
  ln -sf ../sbin/sendmail usr/lib/sendmail
  shift 3
  exec env -i PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8 HOME=/root container=test chroot . "$@"
' sh "$ROOT" "$D" "$(readlink -f "$PROGRAM")" "$@"
