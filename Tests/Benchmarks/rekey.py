#!/usr/bin/env python3
"""What a change of the group key costs and how long it takes, with phones of `load --mki`, one node, a journal in SQLite. Times are from the node's audit.

rekey.py cost LEGS [REKEYS] [mikey]     REKEYS (10) rekeyings of so many legs, one every 4 s: from the start of each to the 2xx of each leg; the node's CPU with and without
rekey.py join LEGS [mikey]      LEGS join one after the other, ten a second, with SDES or with tickets that they have: from INVITE to 200, the resolve at the KMS included
rekey.py burst LEGS             LEGS join within 10 s and leave within 10 s, min-interval 10 s: epochs, messages, time until each change is covered
rekey.py ladder LEGS RUNGS      LEGS over TCP with RUNGS keys in advance (0: none), then eight joins: messages to those who were in, and the node's CPU
rekey.py recovery EPOCHS        the node is killed in a conference with so many epochs in its journal and started again: until the conference has been taken up
rekey.py churn LEGS SECONDS     5 joins and 5 leaves a second, min-interval 250 ms: what honest phones with MKI could not decrypt

With mikey the node is its own KMS and the keys travel in CSB updates; SIP is over UDP alone.
NODE names the folder of a Release build (made when it is not given). Needs python3, dotnet; node and load share the machine."""
import atexit, json, os, pathlib, re, resource, subprocess, sys, tempfile, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIP, HTTP = 26160, 26180
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))
folder = os.environ.get("NODE")
if not folder:
    subprocess.run(["dotnet", "build", "-c", "Release", "Cluster.Host", "-v", "q", "--nologo"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    folder = ROOT / "Cluster.Host/bin/Release/net10.0"
PROGRAM = ["dotnet", str(pathlib.Path(folder) / "confcluster.dll")]


def kms(data, *more):
    subprocess.run(PROGRAM + ["kms", "user", "add", *more, "--set", f"confcluster.data-dir={data}"], check=True, stdout=subprocess.DEVNULL)


class Node:
    def __init__(self, mikey=False, **settings):
        self.data = tempfile.TemporaryDirectory()
        self.phones = ["--mki"]
        if mikey:
            psk = {user: f"{self.data.name}/{user}.psk" for user in ("load", "focus")}
            kms(self.data.name, "sip:load@example.com", "--psk-file", psk["load"])
            kms(self.data.name, "sip:focus@localhost", "--psk-file", psk["focus"], "--answers", "sip:*@127.0.0.1")
            settings = {"kms.enabled": "on", "kms.rate": 100000, "kms.burst": 100000, "kms-user.url": f"http://127.0.0.1:{HTTP}/mikey",
                        "kms-user.psk-file": psk["focus"], "sip.tcp.enabled": "off", **settings}
            self.phones = ["--srtp", "mikey", "--kms", f"http://127.0.0.1:{HTTP}/mikey", "--user", "sip:load@example.com", "--psk-file", psk["load"]]
        values = {"sip.udp.port": SIP, "sip.tcp.port": SIP, "sip.tls.enabled": "off", "http.port": HTTP, "data-dir": self.data.name, "media.port-min": 30000,
                  "media.port-max": 39999, "media.max-legs-per-lane": 4000, "media.lanes": 1, **settings}
        self.log = open(f"{self.data.name}.log", "w+")
        sets = [a for k, v in values.items() for a in ("--set", f"confcluster.{k}={v}")]
        self.command = PROGRAM + ["run"] + sets
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=subprocess.STDOUT)
        atexit.register(self.process.kill)
        self.until_ready()

    def until_ready(self):
        for _ in range(300):
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/readyz") and None
            except OSError:
                time.sleep(0.1)
        sys.exit("the node did not get ready")

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def metric(self, name):
        """The sum over its labels."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/metrics", timeout=30).read().decode()
        return int(sum(float(value) for value in re.findall(rf"^{name}(?:_total)?(?:\{{[^}}]*\}})? (\S+)", text, re.M)))

    def participants(self):
        return self.metric("confcluster_participants")

    def audit(self):
        self.process.terminate()
        self.process.wait()
        out = subprocess.run(PROGRAM + ["audit", "show", "bench", "--json", "--set", f"confcluster.data-dir={self.data.name}"], capture_output=True, text=True)
        shown = json.loads(out.stdout)
        if shown["violations"]:
            print("VIOLATIONS", shown["violations"][:3])
        os.unlink(self.log.name)
        self.data.cleanup()
        return shown


def load(node, *options):
    return subprocess.Popen(PROGRAM + ["load", "--conference", "bench", "--sip", f"127.0.0.1:{SIP}", "--url", f"http://127.0.0.1:{HTTP}", "--json", *node.phones, *options],
                            stdout=subprocess.PIPE, text=True)


def when(text):
    """Seconds since midnight; a run over midnight is not measured."""
    h, m, s = re.match(r"[\d-]+T(\d+):(\d+):([\d.]+)", text).groups()
    return int(h) * 3600 + int(m) * 60 + float(s)


def records(shown):
    for each in shown["records"]:
        record = each["record"]
        fields = {}
        for field in record["fields"]:
            fields.setdefault(field["name"], []).append(field["value"])
        yield when(record["at"]), record["what"], fields


def epochs(shown, since=None):
    """epoch -> (began, reason, {kind: [seconds after its beginning]}, settled); only those that began after a moment, if one is given"""
    found = {}
    for at, what, fields in records(shown):
        if what == "epoch" and (since is None or at >= since % 86400):
            found[int(fields["epoch"][0])] = [at, fields["reason"][0], {}, None]
        elif what == "steps":
            for step in fields["step"]:
                kind, epoch, moment, _ = step.split(" ", 3)
                # With the rungs above it: of the epoch itself.
                epoch = epoch.split("-")[0]
                if int(epoch) in found:
                    found[int(epoch)][2].setdefault(kind, []).append(when(moment) - found[int(epoch)][0])
        elif what == "passed" and fields["passage"] == ["settled"] and int(fields["epoch"][0]) in found:
            found[int(fields["epoch"][0])][3] = at - found[int(fields["epoch"][0])][0]
    return found


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def report(phones):
    r = json.loads(phones.communicate()[0])
    print(f"load: {r['joined']} of {r['calls']} joined, failures {r['failures']}, lost {r['packetsLost']} of {r['packetsReceived']}, undecryptable {r['undecryptable']}, "
          f"not authentic {r['authFailures']}, answered after median {r['setupMedianMilliseconds']} ms, most {r['setupMaxMilliseconds']} ms, tones right {r['tonesRight']} wrong {r['tonesWrong']} ({r['tonesInterrupted']} with a packet late or missing), longest gap {r['longestGapMilliseconds']} ms, "
          f"load late {r['clockLateMilliseconds']} ms; node: lateness p99 {r['node']['latenessP99Milliseconds']} ms, pauses {r['node']['rebased']}")


def join(legs, mikey):
    node = Node(mikey)
    # The phones of a load look at their sockets every 20 ms; the packets tell it better.
    file = f"{node.data.name}.pcapng"
    capture = subprocess.Popen(["dumpcap", "-q", "-i", "lo", "-f", f"udp port {SIP}", "-w", file], stderr=subprocess.DEVNULL)
    phones = load(node, "--phones", str(legs), "--join-rate", "10", "--for", "3s")
    report(phones)
    time.sleep(1)
    capture.terminate()
    capture.wait()
    node.audit()
    read = ["tshark", "-r", file, "-d", f"udp.port=={SIP},sip", "-T", "fields"]
    answers = subprocess.run([*read, "-Y", 'sip.Status-Code == 200 && sip.CSeq.method == "INVITE"', "-e", "sip.Call-ID", "-e", "frame.time_epoch"], capture_output=True, text=True).stdout
    invites = subprocess.run([*read, "-Y", 'sip.Method == "INVITE" && !sip.to.tag', "-e", "sip.Call-ID", "-e", "frame.time_epoch", "-e", "udp.length"], capture_output=True, text=True).stdout
    asked = {}
    for call, at, length in (line.split("\t") for line in invites.splitlines()):
        asked.setdefault(call, (float(at), int(length.split(",")[0]) - 8))
    answered = {}
    for call, at in (line.split("\t") for line in answers.splitlines()):
        answered.setdefault(call, float(at))
    took = [1000 * (answered[call] - at) for call, (at, _) in asked.items() if call in answered]
    # The first ones compile the node.
    took = took[len(took) // 4:]
    os.unlink(file)
    print(f"{len(took)} joins: 200 after INVITE p50 {quantile(took, .5):.1f} ms, p90 {quantile(took, .9):.1f} ms, p99 {quantile(took, .99):.1f} ms; "
          f"INVITE of {max(length for _, length in asked.values())} octets")


def cost(legs, rekeys, mikey):
    node = Node(mikey)
    window = 4 * rekeys
    phones = load(node, "--phones", str(legs), "--join-rate", "50", "--for", f"{30 + 2 * window + 10}s")
    while node.participants() < legs:
        time.sleep(0.5)
    time.sleep(20)
    before = node.cpu()
    time.sleep(window)
    still = node.cpu() - before
    before, start = node.cpu(), time.time()
    for number in range(rekeys):
        subprocess.run(["curl", "-fsS", "-X", "POST", "-H", "Content-Type: application/json", "-d", '{"reason":"benchmark"}',
                        f"http://127.0.0.1:{HTTP}/api/v1/conferences/bench/rekey"], check=True, stdout=subprocess.DEVNULL)
        time.sleep(max(0, start + 4 * (number + 1) - time.time()))
    busy = node.cpu() - before
    report(phones)
    asked = {n: e for n, e in epochs(node.audit()).items() if e[1] == "asked"}
    took = [t for e in asked.values() for t in e[2].get("confirmed", [])]
    last = [max(e[2]["confirmed"]) for e in asked.values() if e[2].get("confirmed")]
    print(f"{legs} legs, {len(asked)} rekeyings: 2xx of a leg after p50 {1000 * quantile(took, .5):.0f} ms, p99 {1000 * quantile(took, .99):.0f} ms; "
          f"last 2xx median {1000 * quantile(last, .5):.0f} ms, at most {1000 * max(last):.0f} ms; fell back to their own key {sum(len(e[2].get('ownKey', [])) for e in asked.values())}; "
          f"CPU {100 * still / window:.0f} % of a core without, {100 * busy / window:.0f} % with: {1e6 * (busy - still) / len(asked) / legs:.0f} us per leg and rekeying")


def messages(file, first, since, until):
    """Requests of the node in calls of before, by method, between two moments."""
    read = ["tshark", "-r", file, "-d", f"tcp.port=={SIP},sip", "-Y", f"sip.Request-Line && tcp.srcport == {SIP}", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|",
            "-e", "frame.time_epoch", "-e", "sip.Call-ID", "-e", "sip.Method"]
    found = {}
    for at, calls, methods in (line.split("\t") for line in subprocess.run(read, capture_output=True, text=True).stdout.splitlines()):
        for call, method in zip(calls.split("|"), methods.split("|")):
            if since <= float(at) <= until and call in first:
                found[method] = found.get(method, 0) + 1
    return found


def ladder(legs, rungs):
    node = Node(**{"conference.keys.rekey.ladder": rungs, "conference.keys.rekey.min-interval": "1s"})
    file = f"{node.data.name}.pcapng"
    capture = subprocess.Popen(["dumpcap", "-q", "-i", "lo", "-f", f"tcp port {SIP}", "-w", file], stderr=subprocess.DEVNULL)
    phones = load(node, "--phones", str(legs), "--transport", "tcp", "--join-rate", "50", "--for", "45s")
    while node.participants() < legs:
        time.sleep(0.5)
    time.sleep(2)
    # The joins above burnt rungs; rekeyings until the newest epoch is the first of a ladder, which all are told by an offer.
    while rungs and not fresh():
        subprocess.run(["curl", "-fsS", "-o", "/dev/null", "-X", "POST", "-H", "Content-Type: application/json", "-d", '{"reason":"benchmark"}',
                        f"http://127.0.0.1:{HTTP}/api/v1/conferences/bench/rekey"], check=True)
        time.sleep(1.5)
    time.sleep(2)
    joins = 8
    before = node.cpu()
    time.sleep(joins)
    still = node.cpu() - before
    # One more process, that calls once a second.
    before, since = node.cpu(), time.time()
    guests = load(node, "--phones", str(joins), "--talkers", "0", "--canaries", "0", "--transport", "tcp", "--join-rate", "1", "--for", "3s")
    time.sleep(joins + 2)
    busy, until = node.cpu() - before, time.time()
    capture.terminate()
    capture.wait()
    calls = ["tshark", "-r", file, "-d", f"tcp.port=={SIP},sip", "-Y", f"sip.Method == INVITE && tcp.dstport == {SIP} && frame.time_epoch < {since}",
             "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|", "-e", "sip.Call-ID"]
    first = {c for line in subprocess.run(calls, capture_output=True, text=True).stdout.splitlines() for c in line.split("|")}
    seen = messages(file, first, since, until)
    os.unlink(file)
    guests.communicate()
    report(phones)
    print("frames of phones that the mixer had to make up", node.metric("confcluster_media_frames_concealed"))
    began = [e for e in epochs(node.audit(), since).values() if e[1] == "joined"]
    print(f"{legs} legs over TCP, ladder {rungs}: {joins} joins began {len(began)} epochs, for which the audit has keys sent {sum(len(e[2].get('sent', [])) for e in began)} times, "
          f"moved {sum(len(e[2].get('moved', [])) for e in began)} times; on the wire {sum(seen.values())} requests of the node to the {len(first)} who were in {seen}; "
          f"CPU {100 * still / joins:.0f} % of a core without, {100 * busy / (until - since):.0f} % with: {1e3 * (busy - still * (until - since) / joins) / joins:.1f} ms per join")


def fresh():
    """All are under the first key of a ladder: the newest was told to everybody by an offer."""
    shown = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/api/v1/conferences/bench/events", timeout=60).read())
    newest = [e for e in shown if e["event"] in ("keyEpochBegan", "keyLadderMade")][-1:]
    return newest and newest[0]["event"] == "keyLadderMade"


def burst(legs):
    node = Node()
    phones = load(node, "--phones", str(legs), "--join-rate", str(legs / 10), "--end-rate", str(legs / 10), "--for", "15s")
    report(phones)
    shown = node.audit()
    found = epochs(shown)
    sent = sum(len(e[2].get("sent", [])) for e in found.values())
    joins = [at for at, what, _ in records(shown) if what == "joined"]
    # Covered: each leg that is there has left the keys from before the change.
    starts = sorted((e[0], e[3]) for e in found.values())
    covered = [next((began + settled - at for began, settled in starts if began >= at and settled is not None), None) for at in joins]
    known = [c for c in covered if c is not None]
    exposure = shown["exposure"]
    leaves = [c["seconds"] for c in exposure["changes"] if c["change"] == "left"]
    print(f"{legs} joins and {legs} leaves: {len(found)} epochs ({', '.join(e[1] for e in found.values())}), keys sent {sent} times ({legs} in answers at most); "
          f"a join covered after p50 {quantile(known, .5):.1f} s, at most {max(known):.1f} s; a leave p50 {quantile(leaves, .5):.1f} s, at most {max(leaves):.1f} s; "
          f"bound {exposure['boundSeconds']} s")
    if max(known + leaves) > exposure["boundSeconds"] or len(known) < legs or len(leaves) < legs or shown["violations"]:
        sys.exit("a change was covered later than K4 allows, or not at all")


def recovery(count):
    node = Node(**{"conference.keys.rekey.min-interval": "0s"})
    phones = load(node, "--phones", "2", "--talkers", "2", "--canaries", "0", "--for", f"{30 + count}s")
    while node.participants() < 2:
        time.sleep(0.2)
    for _ in range(count):
        before = node.metric("confcluster_rekeys")
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{HTTP}/api/v1/conferences/bench/rekey", b'{"reason":"benchmark"}', {"Content-Type": "application/json"}))
        while node.metric("confcluster_rekeys") == before:
            time.sleep(0.02)
    node.process.kill()
    node.process.wait()
    phones.kill()
    start = time.time() % 86400
    node.process = subprocess.Popen(node.command, stdout=node.log, stderr=subprocess.STDOUT)
    atexit.register(node.process.kill)
    node.until_ready()
    ready = time.time() % 86400 - start
    time.sleep(10)
    events = list(records(node.audit()))
    taken = next(at for at, what, _ in events if what == "taken" and at > start)
    print(f"{count} rekeyings, {len(events)} records in the audit: the conference was taken up {taken - start:.2f} s after the start of the program, which was ready after {ready:.2f} s")


def churn(legs, seconds):
    node = Node(**{"conference.keys.rekey.min-interval": "250ms"})
    before = node.cpu()
    phones = load(node, "--phones", str(legs), "--join-rate", "20", "--leave-rate", "5", "--for", f"{seconds}s")
    start = time.time()
    report(phones)
    concealed = node.metric("confcluster_media_frames_concealed")
    spent = node.cpu() - before
    found = epochs(node.audit())
    print(f"{legs} legs, {seconds} s: {len(found)} epochs, keys sent {sum(len(e[2].get('sent', [])) for e in found.values())} times, taken "
          f"{sum(len(e[2].get('confirmed', [])) for e in found.values())} times, own key {sum(len(e[2].get('ownKey', [])) for e in found.values())}; "
          f"node {100 * spent / (time.time() - start):.0f} % of a core, frames of phones that its mixer had to make up {concealed}")


match sys.argv[1:]:
    case ["join", legs, *more]: join(int(legs), more == ["mikey"])
    case ["cost", legs, *more]: cost(int(legs), next((int(m) for m in more if m.isdigit()), 10), "mikey" in more)
    case ["burst", legs]: burst(int(legs))
    case ["ladder", legs, rungs]: ladder(int(legs), int(rungs))
    case ["recovery", count]: recovery(int(count))
    case ["churn", legs, seconds]: churn(int(legs), int(seconds))
    case _: sys.exit(__doc__)
