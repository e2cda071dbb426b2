#!/usr/bin/env bash
# Sixty steps on GSM8K with the real SmolLM2, as PEFT ran them (fixtures/smollm2/gsm8k.json): gsm8k [lora|qlora], loss on 200 held-out rows within 0.5 % of PEFT's.
# Disk: 1 GB
set -euo pipefail
work=$1
method=${2:-lora}
data=${LOWRANK_DATASETS:-$LOWRANK_ROOT/../shared/datasets}/gsm8k
model=${LOWRANK_MODELS:-$LOWRANK_ROOT/../shared/models}/SmolLM2-135M-Instruct.Q4_1.gguf
lowrank() { dotnet run -c Release --no-build --project "$LOWRANK_ROOT/src/LowRank.Cli" -- "$@"; }
case $method in
  lora) peft=0.9491954633 ;;
  qlora) peft=1.0408559782 ;;
  *) echo "gsm8k knows lora and qlora, not $method." >&2; exit 2 ;;
esac
# The rows as chats; a question and an answer are strings of JSON already.
chats() { sed -E 's/^\{"question": (.*), "answer": (.*)\}$/{"messages": [{"role": "user", "content": \1}, {"role": "assistant", "content": \2}]}/'; }
head -480 "$data/train.jsonl" | chats > "$work/train.jsonl"
head -200 "$data/test.jsonl" | chats > "$work/test.jsonl"
lowrank train --model "$model" --data "$work/train.jsonl" --method "$method" --rank 16 --target all-linear --learning-rate 2e-4 --max-steps 60 \
  --batch 8 --warmup 6 --shuffle false --output "$work/out"
lowrank eval --model "$model" --adapter "$work/out" --adapter-only --data "$work/test.jsonl" --json | tee "$work/eval.json"
loss=$(grep -o '"loss": *[0-9][0-9.]*' "$work/eval.json" | head -1 | grep -o '[0-9.]*$')
awk -v l="$loss" -v p="$peft" -v m="$method" 'BEGIN { printf "%s: loss %.5f (PEFT %.5f, %+.2f %%)\n", m, l, p, 100 * (l / p - 1); exit !(l <= 1.005 * p) }'
