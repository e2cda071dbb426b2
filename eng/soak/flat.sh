#!/usr/bin/env bash
# Resident memory stays flat over 2,000 training steps: flat [tiny|MODEL] [lora|qlora|full]; the end is at most 16 MiB above the 200th step.
# Disk: 2 GB
set -euo pipefail
work=$1
model=${2:-tiny}
method=${3:-lora}
data=$LOWRANK_ROOT/samples/data/clinc/intents-20.train.jsonl
if [ "$model" = tiny ]; then model=$LOWRANK_ROOT/assets/tiny data=$LOWRANK_ROOT/assets/tiny/subjects.train.jsonl; fi
dotnet run -c Release --no-build --project "$LOWRANK_ROOT/src/LowRank.Cli" -- train --model "$model" --data "$data" --method "$method" --max-steps 2000 --batch 4 --max-length 64 \
  --save-every 200 --validation 8 --eval-every 100 --output "$work/out" >/dev/null
# A line for each step: {"event":"step","step":N,...,"rss_mib":M,...}
awk -F'[:,]' '/"event":"step"/ {
    for (i = 1; i < NF; i++) { if ($i ~ /"step"$/ && $(i + 1) ~ /^[0-9]+$/) step = $(i + 1); if ($i ~ /"rss_mib"/) rss[step] = $(i + 1) }
    last = step
  }
  END { printf "%d steps: %.0f MiB after 200, %.0f after 1000, %.0f after %d\n", last, rss[200], rss[1000], rss[last], last; exit !(last == 2000 && rss[last] <= rss[200] + 16) }' "$work/out/metrics.jsonl"
