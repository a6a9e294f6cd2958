#!/usr/bin/env bash
# lane.sh [LEGS...]: one lane with so many G.711 legs in one conference, three of them talking, all sending, SRTP with MKI, against the AudioBridge of Janus with plain RTP.
# The server has one processor, the load another. Figures are of SECONDS_EACH (15) seconds after SETTLE (30) seconds: the whole process, its garbage collector and just-in-time
# compiler included; ticks late are those of the same time. With TOGETHER=1 both servers run at once on the one processor, each with so many legs, so that both have the machine at the same
# speed; the number must leave room for both. PORT (26160) and the 20 above it are ours. Needs two processors, a Release build (NODE names the folder of one built before), janus and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."
ulimit -n "$(ulimit -Hn)"
legs=("$@"); [ ${#legs[@]} -gt 0 ] || legs=(200 500 1000)
each=${SECONDS_EACH:-15} settle=${SETTLE:-30} sip=${PORT:-26160} http=$((${PORT:-26160} + 20)) dir=$(mktemp -d) here=$PWD/Tests/Benchmarks
[ -n "${NODE:-}" ] || dotnet build -c Release Cluster.Host -v q --nologo >/dev/null
program=${NODE:-Cluster.Host/bin/Release/net10.0}/confcluster.dll
server= janus=
start_janus() {
  taskset -c 0 janus -F "$dir" -C "$dir/janus.jcfg" -o >"$dir/janus.log" 2>&1 &
  janus=$!
  sleep 3
}
end_janus() { [ -z "$janus" ] || { kill "$janus" 2>/dev/null || true; wait "$janus" 2>/dev/null || true; janus=; }; }
stop() { [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; }; }
trap 'stop; end_janus; rm -rf "$dir"' EXIT
count() { curl -fs -m 20 "http://127.0.0.1:$http/metrics" | awk -v n="$1" 'index($0, n "{") == 1 || index($0, n " ") == 1 {print int($2); exit}'; }
ticks() { awk '{print $14+$15}' "/proc/$1/stat"; }
cp "$here"/janus/*.jcfg "$dir"; sed -i "s|FOLDER|$dir|" "$dir/janus.jcfg"
for n in "${legs[@]}"; do
  taskset -c 0 dotnet "$program" run --set confcluster.sip.udp.port=$sip --set confcluster.sip.tcp.port=$sip --set confcluster.sip.tls.enabled=off \
    --set confcluster.http.port=$http --set confcluster.data-dir="$dir/data-$n" --set confcluster.media.lanes=1 --set confcluster.media.port-min=30000 \
    --set confcluster.media.port-max=39999 --set confcluster.media.max-legs-per-lane=4000 >"$dir/node.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do curl -fs "http://127.0.0.1:$http/readyz" >/dev/null 2>&1 && break; sleep 0.2; done
  taskset -c 1 dotnet "$program" load --conference lane --sip 127.0.0.1:$sip --phones "$n" --talkers 3 --canaries 10 --join-rate 50 --mki \
    --for $((settle + each + ${TOGETHER:+60 +} 5))s --url "http://127.0.0.1:$http" --json >"$dir/load.json" 2>"$dir/load.err" &
  load=$!
  until [ "$(count confcluster_participants)" -ge "$n" ]; do kill -0 $load 2>/dev/null || break; sleep 0.5; done
  beside=
  if [ -n "${TOGETHER:-}" ]; then
    start_janus
    taskset -c 1 timeout 200 python3 "$here/janus/load.py" $janus "$n" $((settle + each)) "$dir/begun-$n" &
    beside=$!
    until [ -e "$dir/begun-$n" ]; do kill -0 $beside || exit 1; sleep 0.2; done
  fi
  sleep "$settle"; late=$(count confcluster_media_ticks_late_total); before=$(ticks $server); load_before=$(ticks $load)
  sleep "$each"; after=$(ticks $server); load_after=$(ticks $load); late=$(($(count confcluster_media_ticks_late_total) - late))
  [ -z "$beside" ] || { wait $beside || true; end_janus; }
  wait $load || true
  stop
  python3 - "$dir/load.json" "$n" "$each" $((after - before)) $((load_after - load_before)) "$(getconf CLK_TCK)" "$late" <<'P'
import json, sys
r, n, each, spent, load, hz, late = json.load(open(sys.argv[1])), *(int(a) for a in sys.argv[2:])
node = r["node"] or {}
print(f"ConfCluster, {n} legs, SRTP: {100 * spent / hz / each:.0f} % of a core, {1e6 * spent / hz / each / n:.0f} us per second and leg; "
      f"ticks more than 5 ms late {late} of {each * 50}; with the joining: p99 {node.get('latenessP99Milliseconds')} ms, most "
      f"{node.get('latenessMaxMilliseconds')} ms, pauses {node.get('rebased')}; "
      f"joined {r['joined']}, lost {r['packetsLost']}, not authentic {r['authFailures']}, unknown key {r['undecryptable']}, "
      f"tones right {r['tonesRight']} wrong {r['tonesWrong']}; load {100 * load / hz / each:.0f} % of a core, late by {r['clockLateMilliseconds']} ms at most")
P
  [ -z "$beside" ] || continue
  command -v janus >/dev/null || { echo "janus is not installed"; continue; }
  start_janus
  taskset -c 1 timeout 200 python3 "$here/janus/load.py" $janus "$n" "$each" || echo "Janus, $n legs: see above"
  end_janus
done
