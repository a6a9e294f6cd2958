#!/usr/bin/env bash
# A rolling upgrade under load, and the emptying of one node, with real nodes on 127.0.0.1 and up, TLS between them, and a PostgreSQL of its own.
#
# roll.sh roll [NODES [CONFERENCES [PHONES]]]   every node (4) ends when its calls are elsewhere and begins again, one after the other, with PHONES (5) in each of
#                                               CONFERENCES (8); each line of a load tells calls lost and the longest gap of any of its
#                                               phones, and the last one what was seen on the wire, whatever the loads were late themselves
# roll.sh drain [CONFERENCES [PHONES]]          one media node has the mixers of CONFERENCES (20) with PHONES (10) each, and hands them to another that has just come
#
# LOG=FILE keeps all that was said, the logs of the nodes among it when a run fails; CONFIGURATION=Release runs that, BUILT=1 what is built already.
# Needs dotnet and PostgreSQL's programs (Debian: postgresql). Nodes and phones share the machine.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
test="$root/Tests/Cluster.Tests"
run() { dotnet test "$test" -c "${CONFIGURATION:-Debug}" ${BUILT:+--no-build} --filter "FullyQualifiedName~RollTests.$1" --logger "console;verbosity=detailed" | tee "${LOG:-/dev/null}" | grep -E "^ +(n[0-9]|rolled-|on the wire|Passed|Failed)|Error|Expected"; }
case "${1:-roll}" in
  roll) CONFCLUSTER_ROLL="${2:-4},${3:-8},${4:-5}" run By_hand_every ;;
  drain) CONFCLUSTER_DRAIN="${2:-20},${3:-10}" run By_hand_a_node ;;
  *) sed -n '2,/^set/{/^#/p}' "$0"; exit 2 ;;
esac
