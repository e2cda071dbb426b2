#!/usr/bin/env bash
# Damaged files of every format that is read: fuzz [FILES=100000] [SEED=1]; each ends in an error of LowRank or is read, within 10 s and 1 GiB, and at least half of each format get past the header.
# Disk: 1 GB
set -euo pipefail
cd "$LOWRANK_ROOT"
# The collector's limit makes an error of what asks for more at once; the test holds the whole process to as much.
if ! LOWRANK_FUZZ_INPUTS=${2:-100000} LOWRANK_FUZZ_SEED=${3:-1} LOWRANK_FUZZ_FOLDER=$1 DOTNET_GCHeapHardLimit=0x40000000 \
  dotnet test -c Release --no-build --project tests/LowRank.Training.Tests --output Detailed -- --filter-class "*FuzzTests"; then
  # Where the process itself has ended, these say at which files.
  tail -n 1 "$1"/*-current.txt
  exit 1
fi
