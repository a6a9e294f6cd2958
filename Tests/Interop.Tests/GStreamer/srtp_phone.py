#!/usr/bin/python3
"""The media of a phone made of GStreamer's srtpenc and srtpdec, with several keys told apart by MKI. Keys come on the standard input.

usage: srtp_phone.py [--rtcp] PORT REMOTE_PORT TONE_HZ OUT.wav
  send MKI B64            what it sends with (MKI: 8 hexadecimal digits, or - for none)
  keys MKI B64 ...        what it opens with, all of them: srtpdec asks for them anew for each stream (remove-key, request-key)
  end
With --rtcp an rtpsession between the two ends reports what comes out of srtpdec, on the next ports (RFC 3550).
A stream whose keys are asked for anew begins with the ROC 0. Prints "stats opened=N dropped=N ssrcs=N".
"""
import base64
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gio, GLib, Gst  # noqa: E402

Gst.init(None)
*options, port, remote, tone, wav = sys.argv[1:]
port, remote, tone, rtcp = int(port), int(remote), float(tone), "--rtcp" in options
SUITE = "srtp-cipher=(string)aes-128-icm, srtp-auth=(string)hmac-sha1-80, srtcp-cipher=(string)aes-128-icm, srtcp-auth=(string)hmac-sha1-80"



def bound(number):
    opened = Gio.Socket.new(Gio.SocketFamily.IPV4, Gio.SocketType.DATAGRAM, Gio.SocketProtocol.UDP)
    opened.bind(Gio.InetSocketAddress.new_from_string("127.0.0.1", number), False)
    return opened


socket = bound(port)
before, after, reports = "", "", ""
if rtcp:
    before, after = "session.send_rtp_sink session.send_rtp_src ! ", "session.recv_rtp_sink session.recv_rtp_src ! "
    reports = (
        f" rtpsession name=session session.send_rtcp_src ! enc.rtcp_sink_0 enc.rtcp_src_0 ! udpsink name=rtcpsink host=127.0.0.1 port={remote + 1} "
        "sync=false async=false close-socket=false udpsrc name=rtcpsource close-socket=false caps=\"application/x-srtcp\" ! dec.rtcp_sink "
        "dec.rtcp_src ! session.recv_rtcp_sink")
pipeline = Gst.parse_launch(
    f"audiotestsrc is-live=true wave=sine freq={tone} volume=0.25 samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! "
    f"rtppcmupay max-ptime=20000000 min-ptime=20000000 seqnum-offset=100 ! {before}srtpenc name=enc rtp-cipher=aes-128-icm rtp-auth=hmac-sha1-80 "
    f"rtcp-cipher=aes-128-icm rtcp-auth=hmac-sha1-80 ! udpsink name=sink host=127.0.0.1 port={remote} sync=false async=false close-socket=false "
    'udpsrc name=source close-socket=false caps="application/x-srtp,media=audio,payload=0,clock-rate=8000,encoding-name=PCMU" ! srtpdec name=dec ! '
    f"{after}application/x-rtp,media=audio,payload=0,clock-rate=8000,encoding-name=PCMU ! rtppcmudepay ! mulawdec ! audioconvert ! "
    f"audio/x-raw,format=S16LE,channels=1 ! wavenc ! filesink location={wav}{reports}")
encoder, decoder = pipeline.get_by_name("enc"), pipeline.get_by_name("dec")
pipeline.get_by_name("sink").set_property("socket", socket)
pipeline.get_by_name("source").set_property("socket", socket)
if rtcp:
    second = bound(port + 1)
    pipeline.get_by_name("rtcpsink").set_property("socket", second)
    pipeline.get_by_name("rtcpsource").set_property("socket", second)
keys, streams, loop = [], set(), GLib.MainLoop()


def caps(_, ssrc):
    streams.add(ssrc)
    text = f"application/x-srtp, {SUITE}, roc=(uint)0"
    for i, (mki, key) in enumerate(keys):
        number = "" if i == 0 else str(i + 1)
        text += f", srtp-key{number}=(buffer){key.hex()}"
        if mki:
            text += f", mki{number}=(buffer){mki.hex()}"
    return Gst.Caps.from_string(text)


def parse(words):
    return [(None if m == "-" else bytes.fromhex(m), base64.b64decode(k)) for m, k in zip(words[::2], words[1::2])]


def listen():
    for line in sys.stdin:
        GLib.idle_add(on_line, line)
    GLib.idle_add(on_line, "end")


def on_line(line):
    command, *words = line.split()
    if command == "send":
        mki, key = parse(words)[0]
        encoder.set_property("mki", Gst.Buffer.new_wrapped(mki) if mki else None)
        encoder.set_property("key", Gst.Buffer.new_wrapped(key))
        pipeline.set_state(Gst.State.PLAYING)
    elif command == "keys":
        keys[:] = parse(words)
        for ssrc in streams:
            decoder.emit("remove-key", ssrc)
    elif command == "end":
        pipeline.send_event(Gst.Event.new_eos())
        GLib.timeout_add(700, loop.quit)
    return False


def on_message(_, message):
    if message.type == Gst.MessageType.ERROR:
        print("ERROR", message.parse_error(), flush=True)
        loop.quit()


decoder.connect("request-key", caps)
bus = pipeline.get_bus()
bus.add_signal_watch()
bus.connect("message", on_message)
threading.Thread(target=listen, daemon=True).start()
loop.run()
stats = decoder.get_property("stats")
print(f"stats opened={stats.get_value('recv-count') - stats.get_value('recv-drop-count')} dropped={stats.get_value('recv-drop-count')} ssrcs={len(streams)}", flush=True)
pipeline.set_state(Gst.State.NULL)
