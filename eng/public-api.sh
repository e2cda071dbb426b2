#!/usr/bin/env bash
# Writes the public surface of each library into its PublicAPI.Unshipped.txt. Run it after a wanted change and review the difference: the analyzer fails the build on any other.
set -euo pipefail
cd "$(dirname "$0")/.."
libraries=$(grep -L '<OutputType>Exe' src/*/*.csproj)
for project in $libraries; do
  folder=$(dirname "$project")
  [ -f "$folder/PublicAPI.Shipped.txt" ] || echo '#nullable enable' > "$folder/PublicAPI.Shipped.txt"
  echo '#nullable enable' > "$folder/PublicAPI.Unshipped.txt"
done
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# --no-incremental: warnings of a project that is up to date are not told again. The program references every library.
dotnet build -c Release --no-incremental -p:TreatWarningsAsErrors=false -p:NoWarn=CS1591 -clp:NoSummary src/LowRank.Cli > "$log" || { cat "$log" >&2; exit 1; }
for project in $libraries; do
  file=$(dirname "$project")/PublicAPI.Unshipped.txt
  sed -n "s/.*warning RS0016: Symbol '\(.*\)' is not part of the declared public API.*\/$(basename "$project")\].*/\1/p" "$log" | LC_ALL=C sort -u >> "$file"
  echo "$(basename "$project" .csproj): $(($(wc -l < "$file") - 1)) members"
done
