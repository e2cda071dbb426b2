#!/usr/bin/env bash
# A training run is ended at each single write, flush, rename and deletion in turn, and resumed: the adapter's bytes are those of the unbroken run.
# Disk: 1 GB
set -euo pipefail
cd "$LOWRANK_ROOT"
TMPDIR=$1 LOWRANK_SOAK=1 dotnet test -c Release --no-build --project tests/LowRank.Training.Tests -- --filter-method "*Wherever_the_process_ends*"
