#!/usr/bin/env bash
# idle.sh [DIALOGS [RATE [PER_CONFERENCE]]]: memory and CPU of one node that holds so many idle dialogs (INVITE, 200, ACK, no media), 200 in each conference.
# Raises what the defaults forbid: ports 10000-65000 (two per dialog), legs of a lane. Needs a Release build, sipp, and ulimit -n above 2 * DIALOGS.
set -euo pipefail
cd "$(dirname "$0")/../.."
dialogs=${1:-10000} rate=${2:-150} each=${3:-200}
ulimit -n "$(ulimit -Hn)"
sip=9060 http=9080 dir=$(mktemp -d)
[ -n "${NODE:-}" ] || dotnet build -c Release Cluster.Host -v q --nologo >/dev/null
dotnet "${NODE:-Cluster.Host/bin/Release/net10.0}/confcluster.dll" run --set confcluster.sip.udp.port=$sip --set confcluster.sip.tcp.enabled=off --set confcluster.sip.tls.enabled=off \
  --set confcluster.http.port=$http --set confcluster.data-dir="$dir/data" --set confcluster.media.port-min=10000 --set confcluster.media.port-max=65000 \
  --set confcluster.media.max-legs-per-lane=100000 --set confcluster.conference.max-conferences=100000 >"$dir/node.log" 2>&1 &
node=$!
trap 'kill $node $peer 2>/dev/null; wait 2>/dev/null; [ -n "${KEEP:-}" ] && cp "$dir/node.log" "$KEEP"; rm -rf "$dir"' EXIT
for _ in $(seq 100); do curl -fs "http://127.0.0.1:$http/readyz" >/dev/null 2>&1 && break; sleep 0.2; done
rss() { awk '/VmRSS/{printf "%.0f MB", $2 / 1024}' /proc/$node/status; }
# A key of its own for each call (RFC 4568 §6.1), 30 octets in base64.
{ echo SEQUENTIAL; head -c $((30 * dialogs)) /dev/urandom | base64 -w 40 | awk -v n=$(((dialogs + each - 1) / each)) '{print "idle" NR % n ";" $1 ";"}'; } >"$dir/names.csv"
echo "before the first call: $(rss)"
(cd "$dir" && exec sipp 127.0.0.1:$sip -sf "$OLDPWD/Tests/Benchmarks/calls/idle.xml" -inf names.csv -i 127.0.0.1 -r "$rate" -m "$dialogs" -l "$dialogs" \
  -d 600000 -nostdin -trace_stat -stf stat.csv -fd 1 >sipp.out 2>&1) &
peer=$!
for _ in $(seq $((dialogs / rate + 60))); do
  sleep 1
  open=$(curl -fs "http://127.0.0.1:$http/metrics" | awk '/^confcluster_sip_dialogs/{print $2}') || true
  [ "${open:-0}" -ge "$dialogs" ] && break
done
echo "with ${open:-0} dialogs: $(rss)"
sleep 40
echo "40 s later, when all transactions are over: $(rss)"
before=$(awk '{print $14+$15}' /proc/$node/stat); sleep 5
awk -v b="$before" -v hz="$(getconf CLK_TCK)" '{printf "CPU of the idle node: %.0f %% of a core\n", ($14 + $15 - b) * 100 / hz / 5}' /proc/$node/stat
curl -fs "http://127.0.0.1:$http/metrics" | grep -E '^(confcluster_participants|dotnet_gc_last_collection_heap_size|dotnet_gc_last_collection_memory)' | sed 's/{.*gc_heap_generation/ {gen/; s/otel_scope_name="[^"]*",\?//'
tail -n 1 "$dir/stat.csv" | awk -F';' '{print "failed calls: " $18}'
