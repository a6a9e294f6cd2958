#!/usr/bin/env bash
# calls.sh [RATE...]: INVITE-ACK-BYE calls per second with sipp against one node (SQLite journal in a temporary folder, loopback).
# For each rate: 10 s of calls (SECONDS_EACH sets another time) over 50 conference names; prints calls, failures, retransmissions, answer times and the node's CPU share.
# NODE names the folder of a node built before. A rate with more than 0.1 % failed calls ends the series. Needs a Release build and sipp.
set -euo pipefail
cd "$(dirname "$0")/../.."
rates=("$@"); [ ${#rates[@]} -gt 0 ] || rates=(50 100 200 400 800)
seconds=${SECONDS_EACH:-10} sip=26060 http=26080 dir=$(mktemp -d)
[ -n "${NODE:-}" ] || dotnet build -c Release Cluster.Host -v q --nologo >/dev/null
dotnet "${NODE:-Cluster.Host/bin/Release/net10.0}/confcluster.dll" run --set confcluster.sip.udp.port=$sip --set confcluster.sip.tcp.port=$sip \
  --set confcluster.sip.tls.port=0 --set confcluster.http.port=$http --set confcluster.data-dir="$dir/data" >"$dir/node.log" 2>&1 &
node=$!
trap 'kill $node 2>/dev/null; wait $node 2>/dev/null; rm -rf "$dir"' EXIT
for _ in $(seq 100); do curl -fs "http://127.0.0.1:$http/readyz" >/dev/null 2>&1 && break; sleep 0.2; done
# A key of its own for each call that may be on at once (RFC 4568 §6.1), each 30 octets in base64.
keys() { head -c $((30 * $1)) /dev/urandom | base64 -w 40; }
{ echo SEQUENTIAL; keys 20000 | awk '{print "load" NR % 50 ";" $1 ";"}'; } >"$dir/names.csv"
ticks() { awk '{print $14+$15}' /proc/$node/stat; }
printf '%8s %8s %8s %8s %12s %12s %8s\n' rate calls failed retrans 'mean ms' 'max open' 'node cpu'
for rate in 100 "${rates[@]}"; do
  calls=$((rate * seconds)); [ "$rate" != 100 ] || calls=1500; before=$(ticks); start=$(date +%s.%N)
  rm -f "$dir"/stat.csv
  (cd "$dir" && sipp 127.0.0.1:$sip -sf "$OLDPWD/Tests/Benchmarks/calls/load.xml" -inf names.csv -i 127.0.0.1 -r "$rate" -m "$calls" -l 20000 \
    -nostdin -trace_stat -stf stat.csv -fd 1 -timeout $((seconds + 50))s >sipp.out 2>&1) || true
  cpu=$(echo "$(ticks) $before $(date +%s.%N) $start" | awk -v hz="$(getconf CLK_TCK)" '{printf "%.0f%%", 100*($1-$2)/hz/($3-$4)}')
  python3 - "$dir/stat.csv" "$rate" "$cpu" <<'P'
import csv, sys
rows = list(csv.reader(open(sys.argv[1]), delimiter=';'))
last = dict(zip(rows[0], rows[-1]))
t = last.get('ResponseTime1(C)', '')
p = t.split(':')
ms = sum(float(x) * m for x, m in zip(p[:3], (3600000, 60000, 1000))) + (float(p[3]) / 1000 if len(p) > 3 else 0) if len(p) > 2 else float('nan')
print(f"{sys.argv[2]:>8} {last['TotalCallCreated']:>8} {last['FailedCall(C)']:>8} {last['Retransmissions(C)']:>8} {ms:12.1f} "
      f"{max(int(dict(zip(rows[0], r))['CurrentCall']) for r in rows[1:]):>12} {sys.argv[3]:>8}" + ("   (warm-up)" if sys.argv[2] == "100" else ""))
sys.exit(1 if int(last['FailedCall(C)']) * 1000 > int(last['TotalCallCreated']) else 0)
P
done
