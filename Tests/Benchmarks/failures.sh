#!/usr/bin/env bash
# Every step of an epoch, every role, every way to fail, with real processes: see Tests/Cluster.Tests/Failures. Without a filter it writes Tests/Cluster.Tests/Failures.md.
#   failures.sh [FILTER]        FILTER: part of a test's name or of its arguments, e.g. "kind: Kill" or PartitionTests; without it everything (an hour)
#   failures.sh --runs N [TEST] instead: N kills of a media node, N of a focus node and N of a node that is both (Mixer: not that of the conference, All: that one), each in one
#                               cluster, for the distributions in RESULTS.md; prints them (half a minute each). TEST: part of a test's name, for one of them
# Each case is a run of its own (two minutes), so it can be broken off and gone on with: cases that are in rows.md already are left out. Needs PostgreSQL.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=${WORK:-${TMPDIR:-/tmp}/confcluster-failures}
mkdir -p "$work"
run=${RUN:-}          # put before each case, e.g. nice
project=Tests/Cluster.Tests
tests=${TESTS:-$project}   # a built ConfCluster.Cluster.Tests.dll, if it is elsewhere

case_of() { CONFCLUSTER_FAILURES=$1 $run dotnet test "$tests" --no-build --filter "DisplayName~$2" >"$work/last.log" 2>&1 && echo "ok      $2" || { echo "FAILED  $2"; cp "$work/last.log" "$work/failed-$(date +%H%M%S).log"; }; }

if [ "${1:-}" = "--runs" ]; then
  rm -f "$work/runs.md"
  CONFCLUSTER_RUNS=$2 CONFCLUSTER_FAILURES=$work/runs.md $run dotnet test "$tests" --no-build --filter "FullyQualifiedName~FailureRunsTests&DisplayName~${3:-again}" --logger "console;verbosity=detailed" >"$work/last.log" 2>&1 || echo "FAILED: $work/last.log"
  python3 - "$work/runs.md" <<'PY'
import sys
rows = [[c.strip() for c in l.split('|')[1:-1]] for l in open(sys.argv[1])]
def at(v, q): return sorted(v)[min(len(v) - 1, int(q * len(v)))]
for role in ('Media', 'Focus', 'Mixer', 'All'):
    mine = [r for r in rows if r[0] == role]
    if not mine: continue
    for name, column in (('gap (ms)', 2), ('time between two packets on the wire (ms)', 6), ('new join (s)', 5)):
        v = [float(r[column]) for r in mine]
        print(f'{role} {name}: n {len(v)}, min {min(v):g}, p50 {at(v, .5):g}, p90 {at(v, .9):g}, p99 {at(v, .99):g}, max {max(v):g}')
    print(f'{role}: calls kept {sum(int(r[1].split()[0]) for r in mine)} of {sum(int(r[1].split()[2]) for r in mine)}, undecryptable {sum(int(r[3]) for r in mine)}, replays {sum(int(r[4]) for r in mine)}')
PY
  exit
fi

touch "$work/rows.md" "$work/rows.md.partitions"
for role in Sip Focus Media; do
  for kind in Kill Freeze Pause; do
    for step in Settled Stored HalfTaken Retiring; do
      name="role: $role, kind: $kind, step: $step"
      [[ "$name" == *"${1:-}"* ]] || continue
      grep -q "^| $role | $kind | $step " "$work/rows.md" || case_of "$work/rows.md" "$name"
    done
  done
done
for name in "nodes: 3" "nodes: 5" "milliseconds: 100" "milliseconds: 300" After_the_end_of_everything; do
  [[ "PartitionTests $name" == *"${1:-}"* ]] && case_of "$work/rows.md" "$name"
done
{
  sed -n '1,/^| Role /p' $project/Failures.md
  echo '|---|---|---|---|---|---|---|---|'
  sort -u "$work/rows.md"
  echo
  sed -n '/^| Which /p' $project/Failures.md
  echo '|---|---|---|---|---|---|---|'
  sort -u "$work/rows.md.partitions"
  echo
  echo "One run of each case, at $(git rev-parse --short HEAD)."
} >"$work/Failures.md"
if [ -z "${1:-}" ]; then cp "$work/Failures.md" $project/Failures.md; else echo "table: $work/Failures.md"; fi
