#!/usr/bin/env bash
# One epoch of LoRA on CLINC150's 20 intents with the real SmolLM2, as PEFT ran it (fixtures/smollm2/clinc.json): loss and accuracy on the test rows.
# Disk: 1 GB
set -euo pipefail
work=$1
data=${LOWRANK_DATASETS:-$LOWRANK_ROOT/../shared/datasets}/clinc
model=${LOWRANK_MODELS:-$LOWRANK_ROOT/../shared/models}/SmolLM2-135M-Instruct.Q4_1.gguf
lowrank() { dotnet run -c Release --no-build --project "$LOWRANK_ROOT/src/LowRank.Cli" -- "$@"; }
lowrank train --model "$model" --data "$data/intents-20.train.jsonl" --method lora --rank 16 --target all-linear --learning-rate 1e-3 --epochs 1 \
  --batch 16 --warmup 5 --shuffle false --output "$work/out"
lowrank eval --model "$model" --adapter "$work/out" --data "$data/intents-20.test.jsonl" --metric exact --json | tee "$work/eval.json"
# 600 rows: one standard error of an accuracy of 0.955 is 0.0085; three below PEFT's are the noise.
accuracy=$(grep -o '"accuracy": *[0-9.]*' "$work/eval.json" | tail -1 | grep -o '[0-9.]*$')
awk -v a="$accuracy" 'BEGIN { printf "accuracy %.4f (PEFT 0.955)\n", a; exit !(a >= 0.93) }'
