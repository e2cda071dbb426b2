#!/usr/bin/env bash
# A run of the tiny model is ended with kill -9 at random instants of its life and resumed: random-kills [KILLS=50] [SEED]; adapter bytes, steps, files and W&B history are those of the unbroken run.
# Disk: 1 GB
set -euo pipefail
cd "$LOWRANK_ROOT"
seed=${3:-$RANDOM}
echo "seed $seed"
TMPDIR=$1 LOWRANK_SOAK_KILLS=${2:-50} LOWRANK_SOAK_SEED=$seed dotnet test -c Release --no-build --project tests/LowRank.Cli.Tests --output Detailed -- --filter-class "*RandomKillTests"
