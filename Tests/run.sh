#!/usr/bin/env bash
# Installs the peers it can, builds, runs every ring and a short fuzz. The last line is "N passed, N failed[, N skipped]".
# CI=true: a peer that is missing is a failure, not a skip.
set -u
cd "$(dirname "$0")/.." || exit 1
root=$PWD
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
fuzz_seconds=${FUZZ_SECONDS:-10}
packages="sip-tester kamailio baresip-core gstreamer1.0-plugins-bad gstreamer1.0-plugins-good gstreamer1.0-tools python3-gi
  gir1.2-gstreamer-1.0 libopus0 libsrtp2-1 libsrtp2-dev gcc tshark postgresql"
passed=0 failed=0 skipped=0
results=$(mktemp -d)
children=()
cleanup() {
  for child in "${children[@]:-}"; do [ -n "$child" ] && kill -- "-$child" 2>/dev/null; done
  rm -rf "$results"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

finish() {
  if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
  [ "$failed" -eq 0 ]
  exit
}

# A step that is one check of its own: counted once, its output shown only when it fails.
step() {
  local name=$1 start=$SECONDS; shift
  in_group "$@" >"$results/step.log" 2>&1
  judge $? "$name" "$start" "$results/step.log"
}

judge() {
  local code=$1 name=$2 start=$3 log=$4
  if [ "$code" -eq 0 ]; then
    passed=$((passed + 1)); echo "ok      $name ($((SECONDS - start)) s)"
  else
    failed=$((failed + 1)); echo "FAILED  $name"; tail -n 60 "$log"
  fi
  return "$code"
}

# Runs in a process group of its own, so that whatever it leaves behind can be ended by number.
in_group() {
  begin "$@"
  end "$group"
}

# As in_group, but goes on at once; its number is in $group until another begins.
begin() {
  set -m
  "$@" &
  group=$!
  set +m
  children+=("$group")
}

end() {
  wait "$1"
  local code=$?
  kill -- "-$1" 2>/dev/null
  return $code
}

# A step that runs while others do, until it is awaited; one at a time.
beside() {
  beside_name=$1 beside_start=$SECONDS; shift
  begin "$@" >"$results/beside.log" 2>&1
  beside_group=$group
}

awaited() {
  end "$beside_group"
  judge $? "$beside_name, beside the step before" "$beside_start" "$results/beside.log"
}

install_peers() {
  local missing=()
  for package in $packages; do dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package"); done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "note    not installed, and cannot install here: ${missing[*]}"
    return
  fi
  echo "note    installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >"$results/apt.log" 2>&1 || { echo "note    apt-get update failed"; tail -n 3 "$results/apt.log"; }
  for package in "${missing[@]}"; do
    apt-get install -y -qq --no-install-recommends "$package" >"$results/apt.log" 2>&1 || { echo "note    could not install $package:"; tail -n 2 "$results/apt.log"; }
  done
}

# A test project: its counts come from the trx file.
ring() {
  local project=$1 limit=$2 start=$SECONDS code
  in_group timeout "$limit" dotnet test "Tests/$project" --no-build --logger "trx;LogFileName=$results/$project.trx" >"$results/$project.log" 2>&1
  code=$?
  local counters
  counters=$(grep -o '<Counters [^>]*>' "$results/$project.trx" 2>/dev/null)
  if [ -z "$counters" ]; then
    if [ $code -eq 0 ] && grep -q "No test is available" "$results/$project.log"; then echo "note    $project has no tests"; return; fi
    failed=$((failed + 1)); echo "FAILED  $project did not run to its end (exit $code)"; tail -n 60 "$results/$project.log"
    return
  fi
  local p f t
  # A skipped test is in the total and not in executed.
  local s e
  p=$(value passed "$counters"); t=$(value total "$counters"); e=$(value executed "$counters")
  f=$((e - p)); s=$((t - e))
  [ $code -ne 0 ] && [ $f -eq 0 ] && f=1
  passed=$((passed + p)); failed=$((failed + f)); skipped=$((skipped + s))
  if [ $f -eq 0 ]; then echo "ok      $project: $p passed$([ $s -gt 0 ] && echo ", $s skipped") ($((SECONDS - start)) s)"
  else echo "FAILED  $project: $p passed, $f failed"; grep -A 4 -E '^ +Failed ' "$results/$project.log" | cut -c -300 | head -n 100; grep -vE '^\s*(Passed|Skipped) ' "$results/$project.log" | tail -n 120; fi
  grep -E '^\s*Skipped ' "$results/$project.log" | sort -u | head -n 20
}

value() { sed -E "s/.* $1=\"([0-9]+)\".*/\1/" <<<"$2"; }

fuzz() {
  timeout 300 dotnet run --no-build --project "$root/Tests/Fuzz" -- --replay &&
    timeout 900 dotnet run --no-build --project "$root/Tests/Fuzz" -- --seconds "$fuzz_seconds"
}

install_peers
step "restore" dotnet restore ConfCluster.sln || finish
step "build, warnings are errors" dotnet build ConfCluster.sln --no-restore -v q || finish
beside "format" dotnet format ConfCluster.sln --verify-no-changes --no-restore
ring Protocols.Tests 400
ring Architecture.Tests 200
awaited
ring Actors.Tests 300
ring Cluster.Tests 1800
# Peers mostly wait, and the fuzz is one thread.
beside "fuzz: the committed inputs, then $fuzz_seconds s per target" fuzz
ring Interop.Tests 900
awaited
finish
