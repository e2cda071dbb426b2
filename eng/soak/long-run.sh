#!/usr/bin/env bash
# 20,000 steps of the tiny model: long-run [STEPS]; the last three quarters add at most 16 MiB of memory, metrics.jsonl and every tracker's files have each step once and in order, nothing temporary is left.
# Disk: 1 GB
set -euo pipefail
cd "$LOWRANK_ROOT"
TMPDIR=$1 LOWRANK_SOAK_STEPS=${2:-20000} dotnet test -c Release --no-build --project tests/LowRank.Cli.Tests --output Detailed -- --filter-class "*LongRunTests"
