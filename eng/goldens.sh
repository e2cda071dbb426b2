#!/usr/bin/env bash
# Runs every golden test over a folder of reference data and counts by kind.
#
#   eng/goldens.sh FOLDER [RESULTS]
#
# FOLDER has the layout of tests/fixtures. The .trx files go below RESULTS (default: artifacts/goldens). NO_BUILD=1 takes what is built.
# A kind that FOLDER has no case of is absent, which is not passed. Fails when a test fails, or none passes.
set -euo pipefail
[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: eng/goldens.sh FOLDER [RESULTS]; FOLDER is a folder like tests/fixtures" >&2; exit 2; }
fixtures=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
results=${2:-$root/artifacts/goldens}
. "$root/eng/results.sh"

mkdir -p "$results"
results=$(cd "$results" && pwd)
find "$results" -name '*.trx' -delete
status=0
# Exit code 8 is a project in which the filter leaves nothing.
(cd "$root" && LOWRANK_FIXTURES=$fixtures dotnet test -c Release ${NO_BUILD:+--no-build} --results-directory "$results" -- \
  --filter-trait Category=Golden --ignore-exit-code 8 --report-xunit-trx) || status=$?

echo
echo "Golden tests over $fixtures"
# A test is named golden:KIND:CASE, one without a case golden:KIND:(absent). Kinds may have several tests for a case.
trx_rows "$results" | awk -F '\t' '
  $2 !~ /^golden:/ { kind = "(not by case)" }
  $2 ~ /^golden:/ { split($2, part, ":"); kind = part[2] }
  { kinds[kind] = 1 }
  $2 ~ /^golden:[^:]*:\(absent\)/ { absent[kind]++; next }
  { found[kind]++ }
  $1 == "Passed" { passed[kind]++; next }
  $1 == "NotExecuted" { skipped[kind]++; next }
  { failed[kind]++ }
  END {
    for (kind in kinds)
      if (found[kind]) printf "  %-36s %6d found %6d passed %6d failed %6d skipped\n", kind, found[kind], passed[kind], failed[kind], skipped[kind]
      else printf "  %-36s absent\n", kind
  }' | LC_ALL=C sort
trx_summary "$results" || status=1
exit "$status"
