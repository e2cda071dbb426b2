#!/usr/bin/env bash
# DPO on LLaMA-Factory's 300 preferences with the real SmolLM2: dpo [lora|qlora] [STEPS], after which the held-out pairs are preferred rightly more often than by chance, and more often than by the base.
# Disk: 1 GB
set -euo pipefail
work=$1
method=${2:-lora}
steps=${3:-60}
data=${LOWRANK_DATASETS:-$LOWRANK_ROOT/../shared/datasets}/llama-factory/dpo_en_demo.json
model=${LOWRANK_MODELS:-$LOWRANK_ROOT/../shared/models}/SmolLM2-135M-Instruct.Q4_1.gguf
lowrank() { dotnet run -c Release --no-build --project "$LOWRANK_ROOT/src/LowRank.Cli" -- "$@"; }
case $method in lora | qlora) ;; *) echo "dpo knows lora and qlora, not $method." >&2; exit 2 ;; esac
# The last 100 pairs are held out, in a file of their own for eval: the array's elements begin and end on lines of their own.
awk -v train="$work/train.json" -v held="$work/held.json" '
  /^  \{/ { file = ++rows > 200 ? held : train; print (seen[file]++ ? "," : "[") > file }
  /^  / { sub(/^  \},$/, "  }"); print > file }
  END { print "]" > train; print "]" > held; exit rows != 300 }' "$data"
lowrank train --model "$model" --data "$work/train.json" --validation "$work/held.json" --objective dpo --method "$method" --rank 8 --target all-linear \
  --learning-rate 1e-4 --beta 0.1 --max-steps "$steps" --batch 2 --accumulate 4 --max-length 512 --samples 0 --eval-every $(((steps + 2) / 3)) --output "$work/out"
lowrank eval --model "$model" --adapter "$work/out" --data "$work/held.json" --max-length 512 --batch 2 --metric preference --wrong 0 --json | tee "$work/eval.json"
first() { grep -o "\"$1\": *[0-9][0-9.]*" "$work/eval.json" | sed -n "$2p" | grep -o '[0-9.]*$'; }
# With rewards the chance is a half, of which two standard errors over 100 pairs are ten points. The adapter's accuracy stands before the base's.
awk -v r="$(first reward_accuracy 1)" -v a="$(first accuracy 1)" -v b="$(first accuracy 2)" \
  'BEGIN { printf "reward accuracy %.2f (chance 0.50), better answer likelier %.2f (base %.2f)\n", r, a, b; exit !(r > 0.6 && a >= b) }'
