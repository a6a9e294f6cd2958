"""load.py PID LEGS SECONDS [FILE]: plain RTP participants (PCMU, every 20 ms; the first three send a tone) in room 1 of the Janus AudioBridge on
127.0.0.1:8188. Prints the processor time of process PID per second and leg, and whether everything was received; FILE is made when that
time begins. Needs Python 3 alone."""
import json
import math
import os
import select
import socket
import struct
import sys
import time
import urllib.request

BASE = "http://127.0.0.1:8188/janus"
TICK = 0.02


def ask(path, **message):
    message["transaction"] = os.urandom(6).hex()
    request = urllib.request.Request(BASE + path, json.dumps(message).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def join(session, number):
    leg = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    leg.bind(("127.0.0.1", 0))
    leg.setblocking(False)
    handle = ask(f"/{session}", janus="attach", plugin="janus.plugin.audiobridge")["data"]["id"]
    ask(f"/{session}/{handle}", janus="message", body={
        "request": "join", "room": 1, "display": f"leg {number}", "codec": "pcmu",
        "rtp": {"ip": "127.0.0.1", "port": leg.getsockname()[1], "payload_type": 0}})
    deadline = time.time() + 20
    while time.time() < deadline:
        with urllib.request.urlopen(f"{BASE}/{session}?maxev=1", timeout=30) as answer:
            event = json.load(answer)
        said = event.get("plugindata", {}).get("data", {}) if event.get("sender") == handle else {}
        if "error" in said:
            sys.exit(f"leg {number}: {said['error']}")
        if "rtp" in said:
            leg.connect((said["rtp"]["ip"], said["rtp"]["port"]))
            return leg
    sys.exit(f"leg {number} was not let in")


def mu_law(sample):
    sign, magnitude = (0x80, -sample) if sample < 0 else (0, sample)
    magnitude = min(magnitude, 32635) + 132
    exponent = magnitude.bit_length() - 8
    return 255 - (sign | exponent << 4 | magnitude >> exponent + 3 & 15)


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    pid, count, seconds = (int(a) for a in sys.argv[1:4])
    session = ask("", janus="create")["data"]["id"]
    legs = [join(session, n) for n in range(count)]
    tone = bytes(mu_law(int(6000 * math.sin(math.tau * 400 * n / 8000))) for n in range(160))
    silence = b"\xff" * 160
    poll = select.epoll()
    for leg in legs:
        poll.register(leg.fileno(), select.EPOLLIN)
    by_number = {leg.fileno(): leg for leg in legs}
    begin, tick, received, late = time.monotonic(), 0, 0, 0.0
    settle = 5
    start = None
    while True:
        now = time.monotonic()
        if start is None and now - begin > settle:
            start, cpu, received, late = now, processor_seconds(pid), 0, 0.0
            for path in sys.argv[4:]:
                open(path, "w").close()
        if start is not None and now - start > seconds:
            break
        for number, leg in enumerate(legs):
            header = struct.pack("!BBHII", 0x80, 0, tick & 0xFFFF, tick * 160 & 0xFFFFFFFF, 0x1000 + number)
            try:
                leg.send(header + (tone if number < 3 else silence))
            except OSError:
                pass
        for number, _ in poll.poll(0, count):
            try:
                while by_number[number].recv(2048):
                    received += 1
            except OSError:
                pass
        tick += 1
        rest = begin + tick * TICK - time.monotonic()
        late = max(late, -rest)
        if rest > 0:
            time.sleep(rest)
    spent, took = processor_seconds(pid) - cpu, time.monotonic() - start
    print(f"Janus, {count} legs, plain RTP: {spent / took * 100:.0f} % of a core, {spent / took / count * 1e6:.0f} us per second and leg, "
          f"{received / took / count:.1f} packets per second to each leg, load late by {late * 1000:.0f} ms at most")


main()
