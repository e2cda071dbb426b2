#!/usr/bin/env bash
# Runs every command of docs/course on the tiny model or on numbers alone, and compares what it prints with what the pages show. Part of the tests; this is the short way.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet build -c Release tests/LowRank.Cli.Tests
tests/LowRank.Cli.Tests/bin/Release/net10.0/LowRank.Cli.Tests -class "*.CourseTests"
