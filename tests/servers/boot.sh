#!/bin/bash
# boot.sh DIR PROGRAM UNIT: boots systemd to UNIT where callers.sh runs its commands (see there), in a cgroup of its own;
# returns when a unit with SuccessAction=exit-force or FailureAction=exit-force ends it.
set -euo pipefail

groups=$(findmnt --first-only --noheadings --output TARGET --types cgroup2) || { echo "no cgroup2 is mounted" >&2; exit 69; }
group=$groups/smtpsend-$$
trap 'find "$group" -depth -type d -exec rmdir {} +' EXIT
mkdir "$group"
callers=$(dirname "$0")/callers.sh
(
  echo 0 > "$group/cgroup.procs"
  exec "$callers" "$1" "$2" /lib/systemd/systemd "--unit=$3" --log-target=console
)
