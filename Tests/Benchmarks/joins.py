#!/usr/bin/env python3
"""Joins and leaves per second of one node and of a cluster on one machine, with sipp (INVITE, ACK, BYE at once, over 50 conferences), and what each costs.

joins.py NODES [RATE...]     so many nodes with all roles (1: alone; more: TLS between them), one PostgreSQL, and for each RATE (50 100 200) of calls a second over all
                             nodes, SECONDS_EACH (8) long: failed calls, time from INVITE to 200, and processor time for each call of the nodes and of PostgreSQL

All share this machine, so a rate that fails says what this machine does and not what more machines would; processor time per call does not depend on that as much.
NODE names the folder of a Release build (made when it is not given). Needs python3, dotnet, sipp and PostgreSQL's programs (Debian: sip-tester, postgresql)."""
import atexit, base64, csv, glob, os, pathlib, subprocess, sys, tempfile, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIP, HTTP, CLUSTER, DB = 26260, 26280, 26253, 26232
SECONDS = int(os.environ.get("SECONDS_EACH", "8"))
TICK = os.sysconf("SC_CLK_TCK")


def program():
    folder = os.environ.get("NODE")
    if not folder:
        subprocess.run(["dotnet", "build", "-c", "Release", "Cluster.Host", "-v", "q", "--nologo"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        folder = ROOT / "Cluster.Host/bin/Release/net10.0"
    return ["dotnet", str(pathlib.Path(folder) / "confcluster.dll")]


def start(command, log, **more):
    process = subprocess.Popen(command, stdout=open(log, "w"), stderr=subprocess.STDOUT, **more)
    atexit.register(lambda: (process.terminate(), process.wait(30)))
    return process


def postgres(data):
    """With nothing forced to the disk; everybody on loopback may do everything."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    os.makedirs(data)
    if as_user:
        subprocess.run(["chown", "-R", "postgres", data], check=True)
    run = lambda *c: subprocess.run([*as_user, *c], check=True, stdout=subprocess.DEVNULL, cwd="/")
    run(f"{programs}/initdb", "-D", data, "-A", "trust", "-U", "confcluster", "--no-sync")
    server = start([*as_user, f"{programs}/postgres", "-D", data, "-p", str(DB), "-h", "127.0.0.1", "-k", data, "-F"], f"{data}.log", cwd="/")
    for _ in range(100):
        if subprocess.run([*as_user, f"{programs}/pg_isready", "-h", "127.0.0.1", "-p", str(DB)], stdout=subprocess.DEVNULL, cwd="/").returncode == 0:
            run(f"{programs}/createdb", "-h", "127.0.0.1", "-p", str(DB), "-U", "confcluster", "calls")
            return server
        time.sleep(0.2)
    sys.exit(open(f"{data}.log").read())


def processor_time(process):
    """Of a process and all that it started, in seconds."""
    parents = {}
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = open(stat).read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(stat.split("/")[2])] = (int(fields[1]), (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / TICK)
    mine, size = {process.pid}, 0
    while size != len(mine):
        size = len(mine)
        mine |= {pid for pid, (parent, _) in parents.items() if parent in mine}
    return sum(parents[pid][1] for pid in mine if pid in parents)


def begin(nodes, directory):
    run = program()
    journal = ["journal.kind=postgresql", f"journal.connection-string=Host=127.0.0.1;Port={DB};Database=calls;Username=confcluster"]
    sets = lambda values: [a for v in values for a in ("--set", f"confcluster.{v}")]
    subprocess.run([*run, "db", "init", *sets(journal)], check=True, stdout=subprocess.DEVNULL)
    addresses = [f"127.0.0.{n}" for n in range(1, nodes + 1)]
    tls = f"{directory}/tls"
    if nodes > 1:
        subprocess.run([*run, "tls", "init", "--out", tls, "--nodes", ",".join(addresses)], check=True, stdout=subprocess.DEVNULL)
    processes = []
    for address in addresses:
        values = journal + [f"data-dir={directory}/{address}", f"sip.udp.address={address}", f"sip.udp.port={SIP}", f"sip.tcp.address={address}", f"sip.tcp.port={SIP}",
                            "sip.tls.enabled=off", f"media.address={address}", f"http.address={address}", f"http.port={HTTP}", "media.max-legs-per-lane=4000"]
        if nodes > 1:
            seeds = ", ".join(f'"{a}:{CLUSTER}"' for a in addresses)
            values += [f"node-name={address}", f"cluster.address={address}", f"cluster.port={CLUSTER}", f"cluster.seeds=[{seeds}]", f"cluster.key-file={tls}/cluster.key",
                       f"cluster.tls.certificate={tls}/{address}.pem", f"cluster.tls.key={tls}/{address}.key", f"cluster.tls.trust={tls}/cluster-ca.pem"]
        processes.append(start([*run, "run", *sets(values)], f"{directory}/{address}.log"))
    for address in addresses:
        for attempt in range(600):
            try:
                urllib.request.urlopen(f"http://{address}:{HTTP}/readyz")
                break
            except OSError:
                time.sleep(0.1)
        else:
            sys.exit(open(f"{directory}/{address}.log").read())
    return addresses, processes


def call(addresses, rate, seconds, directory):
    """sipp at each node; the sum of calls and of failed ones, and the mean time to the 200 in ms."""
    sipps = []
    for n, address in enumerate(addresses):
        part = rate / len(addresses)
        os.makedirs(f"{directory}/sipp{n}", exist_ok=True)
        for old in glob.glob(f"{directory}/sipp{n}/*"):
            os.remove(old)
        with open(f"{directory}/sipp{n}/names.csv", "w") as names:
            keys = os.urandom(30 * 20000)
            names.write("SEQUENTIAL\n" + "".join(f"load{i % 50};{base64.b64encode(keys[30 * i:30 * i + 30]).decode()};\n" for i in range(20000)))
        sipps.append(subprocess.Popen(
            ["sipp", f"{address}:{SIP}", "-sf", str(ROOT / "Tests/Benchmarks/calls/load.xml"), "-inf", "names.csv", "-i", "127.0.0.1", "-p", str(27000 + 10 * n),
             "-r", str(max(1, round(part))), "-m", str(round(part * seconds)), "-l", "20000", "-nostdin", "-trace_stat", "-stf", "stat.csv", "-fd", "1",
             "-timeout", f"{seconds + 20}s"], cwd=f"{directory}/sipp{n}", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    for sipp in sipps:
        sipp.wait()
    calls, failed, times = 0, 0, []
    for n in range(len(addresses)):
        rows = list(csv.reader(open(f"{directory}/sipp{n}/stat.csv"), delimiter=";"))
        last = dict(zip(rows[0], rows[-1]))
        calls, failed = calls + int(last["TotalCallCreated"]), failed + int(last["FailedCall(C)"])
        h, m, s, us = (last["ResponseTime1(C)"].split(":") + ["0"])[:4]
        times.append((int(h) * 3600 + int(m) * 60 + int(s)) * 1000 + int(us) / 1000)
    return calls, failed, sum(times) / len(times)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    nodes, rates = int(sys.argv[1]), [int(r) for r in sys.argv[2:]] or [50, 100, 200]
    directory = tempfile.mkdtemp(prefix="confcluster-joins-")
    atexit.register(lambda: subprocess.run(["rm", "-rf", directory]))
    os.chmod(directory, 0o755)
    database = postgres(f"{directory}/postgres")
    addresses, processes = begin(nodes, directory)
    # Once for the compilers.
    call(addresses, 60, 10, directory)
    print(f"{nodes} node{'s' if nodes > 1 else ''}; per second | calls | failed | INVITE to 200, mean | processor time per call: nodes | PostgreSQL", flush=True)
    for rate in rates:
        before = [processor_time(p) for p in processes], processor_time(database)
        calls, failed, mean = call(addresses, rate, SECONDS, directory)
        spent = sum(processor_time(p) - b for p, b in zip(processes, before[0])), processor_time(database) - before[1]
        print(f"{rate} | {calls} | {failed} | {mean:.1f} ms | {1000 * spent[0] / calls:.1f} ms | {1000 * spent[1] / calls:.1f} ms", flush=True)
        if failed * 1000 > calls:
            break


main()
