#!/usr/bin/env bash
# A model of real size is merged with an adapter of rank 16: merge [1.1b|7b]; VmHWM is at most four times the largest tensor and 500 MiB, and writing reaches 70 % of the disk's sequential speed.
# Disk: 8 GB for 1.1b; 7b needs 36 GB
set -euo pipefail
size=${2:-1.1b}
case $size in
  1.1b) needed=8 ;;
  7b) needed=36 ;;
  *) echo "merge knows 1.1b and 7b, not $size." >&2; exit 2 ;;
esac
free=$(($(df -Pk "$1" | awk 'NR == 2 { print $4 }') / 1000000))
[ "$free" -ge "$needed" ] || { echo "merge $size needs $needed GB below $1, where $free GB are free." >&2; exit 1; }
cd "$LOWRANK_ROOT"
# Checkpoints that repeat one block of values are made in $TMPDIR; the test prints peak and speed.
TMPDIR=$1 LOWRANK_SOAK_MERGE=$size dotnet test -c Release --no-build --project tests/LowRank.Cli.Tests --output Detailed -- --filter-method "*Larger_models_are_too*"
