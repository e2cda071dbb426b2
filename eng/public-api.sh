#!/usr/bin/env bash
# Writes the public surface of each library into its PublicAPI.Unshipped.txt. Run it after a wanted change and review the difference: the analyzer fails the build on any other.
set -euo pipefail
cd "$(dirname "$0")/.."
for project in src/*/; do
  name=$(basename "$project")
  grep -q '<OutputType>Exe' "$project$name.csproj" && continue
  [ -f "${project}PublicAPI.Shipped.txt" ] || echo '#nullable enable' > "${project}PublicAPI.Shipped.txt"
  echo '#nullable enable' > "${project}PublicAPI.Unshipped.txt"
  log=$(mktemp)
  # --no-incremental: warnings of a project that is up to date are not told again.
  dotnet build -c Release --no-incremental --no-dependencies -p:TreatWarningsAsErrors=false -p:NoWarn=CS1591 -clp:NoSummary "$project" > "$log" || { cat "$log" >&2; exit 1; }
  sed -n "s/.*warning RS0016: Symbol '\(.*\)' is not part of the declared public API.*/\1/p" "$log" | LC_ALL=C sort -u >> "${project}PublicAPI.Unshipped.txt"
  echo "$name: $(($(wc -l < "${project}PublicAPI.Unshipped.txt") - 1)) members"
  rm "$log"
done
