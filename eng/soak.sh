#!/usr/bin/env bash
# Runs one of the long proofs in eng/soak/.
#
#   LOWRANK_SOAK_DIR=/big/disk eng/soak.sh NAME [ARGUMENTS]
#   eng/soak.sh                                   lists them
#
# A proof is eng/soak/NAME.sh. Its line "# Disk: N GB" says what it needs; that much must be free below LOWRANK_SOAK_DIR.
# It runs in a folder of its own there, which is removed when it succeeds and kept when it fails.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
if [ $# -eq 0 ]; then
  for proof in "$root"/eng/soak/*.sh; do
    [ -e "$proof" ] && printf '%-16s %s\n' "$(basename "$proof" .sh)" "$(sed -n '2s/^# //p' "$proof")"
  done
  exit 0
fi
name=$1
shift
script=$root/eng/soak/$name.sh
[ -f "$script" ] || { echo "There is no proof $name. 'eng/soak.sh' lists them." >&2; exit 2; }
: "${LOWRANK_SOAK_DIR:?set it to a folder on a disk with room}"
needed=$(sed -n 's/^# Disk: \([0-9]*\) GB.*/\1/p' "$script")
: "${needed:?$script does not say how much disk it needs (# Disk: N GB)}"
mkdir -p "$LOWRANK_SOAK_DIR"
free=$(($(df -Pk "$LOWRANK_SOAK_DIR" | awk 'NR == 2 { print $4 }') / 1000000))
[ "$free" -ge "$needed" ] || { echo "$name needs $needed GB below $LOWRANK_SOAK_DIR, where $free GB are free." >&2; exit 1; }
work=$(mktemp -d "$LOWRANK_SOAK_DIR/$name.XXXXXX")
start=$SECONDS
echo "$name in $work"
if LOWRANK_ROOT=$root bash "$script" "$work" "$@"; then
  rm -rf "$work"
  echo "$name held, $((SECONDS - start)) s"
else
  status=$?
  echo "$name failed with $status after $((SECONDS - start)) s; its files are in $work" >&2
  exit "$status"
fi
