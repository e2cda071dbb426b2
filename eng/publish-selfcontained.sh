#!/usr/bin/env bash
# Publishes the tool and the test programs for a Linux x64 machine without .NET, as one archive without libtorch.
#
#   eng/publish-selfcontained.sh [OUTPUT]     (default: artifacts/selfcontained)
#
# Makes OUTPUT/lowrank-selfcontained/ and OUTPUT/lowrank-selfcontained.tar.xz, which must be below 40 MB. On the other machine:
#
#   tar xf lowrank-selfcontained.tar.xz
#   LOWRANK_TORCH_LIB=.../torch/lib lowrank-selfcontained/run-tests        (PyTorch 2.10 or 2.11)
#   LOWRANK_TORCH_LIB=.../torch/lib lowrank-selfcontained/app/lowrank doctor
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
output=${1:-$root/artifacts/selfcontained}
mkdir -p "$output"
output=$(cd "$output" && pwd)
folder=$output/lowrank-selfcontained
rm -rf "$folder" "$folder.tar.xz"
mkdir -p "$folder/app/native"

# All programs go into one folder, so that the .NET runtime is there once.
cd "$root"
for project in src/LowRank.Cli tests/*.Tests; do
  # llama.cpp has nothing to say about a GPU's kernels, and its libraries would fill the archive.
  [ "$project" != tests/LowRank.LlamaCpp.Tests ] || continue
  dotnet publish "$project" -c Release -r linux-x64 --self-contained -o "$folder/app" -nologo -v quiet \
    -p:PublishReadyToRun=false -p:DebugType=none -p:GenerateDocumentationFile=false -p:SatelliteResourceLanguages=en -p:PublishReferencesDocumentationFiles=false
done

# TorchSharp's native part as the package has it: NativeRuntime makes the copy that an older libstdc++ needs.
version=$(sed -n 's:.*<TorchSharpVersion>\(.*\)</TorchSharpVersion>.*:\1:p' Directory.Packages.props)
cp "${NUGET_PACKAGES:-$HOME/.nuget/packages}/torchsharp/$version/runtimes/linux-x64/native/libLibTorchSharp.so" "$folder/app/native/"
find "$folder/app" \( -name 'libtorch*' -o -name 'libc10*' -o -name '*.pdb' -o -name '*.xml' \) -delete
# Parts of the runtime that LowRank does not use (debugging, tracing, other collectors, Visual Basic, data contracts, mail, tar, old code pages, transactions): the archive has to stay small.
for part in libmscordaccore.so libmscordbi.so libcoreclrtraceptprovider.so libclrgc.so libclrgcexp.so createdump Microsoft.VisualBasic.Core.dll System.Private.DataContractSerialization.dll \
  System.Formats.Tar.dll System.Net.Mail.dll System.Net.Ping.dll System.Net.WebClient.dll System.Text.Encoding.CodePages.dll System.Transactions.Local.dll; do rm -f "$folder/app/$part"; done
ln -s LowRank.Cli "$folder/app/lowrank"
cp -r tests/fixtures "$folder/fixtures"

cat > "$folder/run-tests" <<'RUN'
#!/bin/sh
# Runs the test programs; arguments go to each of them, such as -trait Category=Golden. Needs LOWRANK_TORCH_LIB.
here=$(cd "$(dirname "$0")" && pwd)
: "${LOWRANK_TORCH_LIB:?set it to the lib folder of a libtorch or PyTorch 2.10 or 2.11}"
export LOWRANK_FIXTURES="${LOWRANK_FIXTURES:-$here/fixtures}"
# A minimal system has no ICU.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
status=0
for program in "$here"/app/*.Tests; do
  name=$(basename "$program")
  "$program" -noColor ${RESULTS:+-trx "$RESULTS/$name.trx"} "$@" || status=1
done
exit $status
RUN
chmod +x "$folder/run-tests"

tar -C "$output" -cf - lowrank-selfcontained | xz -T1 -9e > "$folder.tar.xz"
bytes=$(stat -c %s "$folder.tar.xz")
echo "$folder.tar.xz: $((bytes / 1000000)) MB, $(du -sm "$folder" | cut -f1) MB unpacked"
[ "$bytes" -lt 40000000 ] || { echo "The archive must be below 40 MB." >&2; exit 1; }
