#!/usr/bin/env bash
# fanout.sh [ROUNDS]: one stream to 1,000 addresses on loopback, the bare C loops of sockets/send.c and the mixer's own sender in turn; processor time of
# the sending thread per packet. Needs gcc and a Release build of this folder (made when it is not there).
set -euo pipefail
cd "$(dirname "$0")/../.."
ulimit -n "$(ulimit -Hn)"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
gcc -O2 -w -o "$dir/send" Tests/Benchmarks/sockets/send.c
dotnet build -c Release Tests/Benchmarks -v q --nologo >/dev/null
for round in $(seq "${1:-3}"); do
  echo "run $round"
  "$dir/send"
  dotnet Tests/Benchmarks/bin/Release/net10.0/ConfCluster.Benchmarks.dll fanout
done
