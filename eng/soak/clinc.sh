#!/usr/bin/env bash
# One epoch on CLINC150's 20 intents with the real SmolLM2, as PEFT ran it (fixtures/smollm2/clinc.json): clinc [lora|qlora|full], loss and accuracy on the test rows.
# Disk: 2 GB
set -euo pipefail
work=$1
method=${2:-lora}
data=${LOWRANK_DATASETS:-$LOWRANK_ROOT/../shared/datasets}/clinc
model=${LOWRANK_MODELS:-$LOWRANK_ROOT/../shared/models}/SmolLM2-135M-Instruct.Q4_1.gguf
lowrank() { dotnet run -c Release --no-build --project "$LOWRANK_ROOT/src/LowRank.Cli" -- "$@"; }
case $method in
  lora) setting=(--rank 16 --target all-linear --learning-rate 1e-3) peft=0.9550 ;;
  qlora) setting=(--rank 16 --target all-linear --learning-rate 1e-3) peft=0.9550 ;;
  full) setting=(--learning-rate 5e-5) peft=0.9567 ;;
  *) echo "clinc knows lora, qlora and full, not $method." >&2; exit 2 ;;
esac
lowrank train --model "$model" --data "$data/intents-20.train.jsonl" --method "$method" "${setting[@]}" --epochs 1 \
  --batch 16 --warmup 5 --shuffle false --output "$work/out"
if [ "$method" = full ]; then measured=(--model "$work/out"); else measured=(--model "$model" --adapter "$work/out" --adapter-only); fi
lowrank eval "${measured[@]}" --data "$data/intents-20.test.jsonl" --metric exact --json | tee "$work/eval.json"
# One standard error of an accuracy of 0.955 over 600 rows, of each of the two runs: the noise of their difference is 1.2 points.
accuracy=$(grep -o '"accuracy": *[0-9][0-9.]*' "$work/eval.json" | head -1 | grep -o '[0-9.]*$')
awk -v a="$accuracy" -v p="$peft" -v m="$method" 'BEGIN { printf "%s: accuracy %.4f (PEFT %.4f)\n", m, a, p; exit !(a >= p - 0.012) }'
