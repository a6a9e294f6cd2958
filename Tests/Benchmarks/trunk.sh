#!/usr/bin/env bash
# trunk.sh [PHONES [LEGS]]: a conference of so many phones (200), four of them talking, on a cluster of two nodes with all roles, with so many legs for a mixer (100); with LEGS of
# at least PHONES there is one mixer. Prints the report of the load, what the mixers say of each other, and the processor time of each node over SECONDS_EACH (15) seconds.
# Listens on 127.0.0.1 and 127.0.0.2 at the usual ports of `confcluster up`; needs PostgreSQL's server programs and a Release build.
set -euo pipefail
cd "$(dirname "$0")/../.."
ulimit -n "$(ulimit -Hn)"
phones=${1:-200} legs=${2:-100} each=${SECONDS_EACH:-15} dir=$(mktemp -d)
program=Cluster.Host/bin/Release/net10.0/confcluster.dll
dotnet $program up --nodes 2 --dir "$dir" --set confcluster.conference.legs-per-mixer="$legs" >"$dir/up.log" 2>&1 &
up=$!
trap 'kill $up 2>/dev/null || true; wait $up 2>/dev/null || true; rm -rf "$dir"' EXIT
for address in 127.0.0.1 127.0.0.2; do
  for _ in $(seq 150); do curl -fs "http://$address:8080/readyz" >/dev/null 2>&1 && break; sleep 0.2; done
done
sleep 5
dotnet $program load --conference trunk --sip 127.0.0.1:5060 --phones "$phones" --talkers 4 --canaries 8 --join-rate 40 --mki --for $((each + 15))s \
  --url http://127.0.0.1:8080 --json >"$dir/load.json" 2>"$dir/load.err" &
load=$!
joined() { curl -fs -m 5 http://127.0.0.1:8080/api/v1/conferences/trunk | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["participants"]))' 2>/dev/null || echo 0; }
until [ "$(joined)" -ge "$phones" ]; do kill -0 $load 2>/dev/null || break; sleep 0.5; done
nodes=$(pgrep -P $up -f "confcluster.dll run" || true)
spent() { awk '{print $14+$15}' "/proc/$1/stat"; }
declare -A before; for node in $nodes; do before[$node]=$(spent "$node"); done
sleep "$each"
for node in $nodes; do echo "node $node: $(( ($(spent "$node") - ${before[$node]}) / each )) % of a core"; done
curl -fs http://127.0.0.1:8080/api/v1/conferences/trunk | python3 -c 'import json,sys
for m in json.load(sys.stdin)["mixers"]: print(m)'
wait $load || true
cat "$dir/load.json" "$dir/load.err"
