#!/usr/bin/env bash
# A LoRA of the real SmolLM2 on CLINC's 20 intents, killed with kill -9 and resumed, has the bytes of the unbroken run's, and answers in eval and chat.
# Disk: 1 GB
# Arguments are added to both runs, such as --epochs 1; LOWRANK_TOOL is a built tool to use instead of this checkout's.
set -euo pipefail
work=$1
shift
data=${LOWRANK_DATASETS:-$LOWRANK_ROOT/../shared/datasets}/clinc
model=${LOWRANK_MODELS:-$LOWRANK_ROOT/../shared/models}/SmolLM2-135M-Instruct.Q4_1.gguf
tool=${LOWRANK_TOOL:-$LOWRANK_ROOT/src/LowRank.Cli/bin/Release/net10.0/LowRank.Cli}
train() { "$tool" train --model "$model" --data "$data/intents-20.train.jsonl" --method lora --rank 16 --target all-linear --save-every 20 "$@"; }
train --output "$work/killed" "$@" > "$work/killed.log" 2>&1 &
run=$!
until [ "$(find "$work/killed" -maxdepth 2 -path '*checkpoint*' -type d 2> /dev/null | wc -l)" -ge 2 ]; do
  kill -0 "$run" || { cat "$work/killed.log"; exit 1; }
  sleep 1
done
sleep $((RANDOM % 40))
kill -9 "$run" || { echo "The run ended before it could be killed: give it more steps." >&2; exit 1; }
wait "$run" || true
echo "killed after: $(tail -1 "$work/killed/metrics.jsonl")"
"$tool" train --resume "$work/killed" | tail -12
train --output "$work/whole" "$@" | tail -12
cmp "$work/killed/adapter_model.safetensors" "$work/whole/adapter_model.safetensors"
sha256sum "$work"/*/adapter_model.safetensors
"$tool" eval --model "$model" --adapter "$work/killed" --data "$data/intents-20.test.jsonl" --metric exact --json
printf 'i need to know how much money is in my account\n/exit\n' | "$tool" chat --model "$model" --adapter "$work/killed"
