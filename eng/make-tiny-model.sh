#!/bin/sh
# Makes assets/tiny anew: a tokenizer and a Llama of a million parameters, trained from random weights by LowRank itself on
# the text in eng/tiny-model/text, and the rows of the quickstart's task. Minutes on two cores.
#   eng/make-tiny-model.sh [OUTPUT]
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
out=${1:-$root/assets/tiny}
dotnet run -c Release --project "$root/eng/tiny-model" -- "$root/eng/tiny-model/text" "$out"
