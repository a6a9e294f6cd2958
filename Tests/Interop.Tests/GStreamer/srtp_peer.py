#!/usr/bin/python3
"""An SRTP end point of GStreamer (srtpenc, srtpdec: libsrtp inside), one socket for both directions, keys from the command line's environment.

usage: SEND_KEY=B64 RECV_KEY=B64 srtp_peer.py PORT REMOTE_PORT TONE_HZ SECONDS OUT.wav
Prints the decoder's statistics at the end.
"""
import base64
import os
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gio, GLib, Gst  # noqa: E402

Gst.init(None)
port, remote, tone, seconds, wav = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
send_key, recv_key = (base64.b64decode(os.environ[name]) for name in ("SEND_KEY", "RECV_KEY"))

socket = Gio.Socket.new(Gio.SocketFamily.IPV4, Gio.SocketType.DATAGRAM, Gio.SocketProtocol.UDP)
socket.bind(Gio.InetSocketAddress.new_from_string("127.0.0.1", port), False)

pipeline = Gst.parse_launch(
    f"audiotestsrc is-live=true wave=sine freq={tone} volume=0.25 samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! "
    "rtppcmupay max-ptime=20000000 min-ptime=20000000 seqnum-offset=100 ! srtpenc name=enc rtp-cipher=aes-128-icm rtp-auth=hmac-sha1-80 "
    f"rtcp-cipher=aes-128-icm rtcp-auth=hmac-sha1-80 ! udpsink name=sink host=127.0.0.1 port={remote} sync=false async=false close-socket=false "
    'udpsrc name=source close-socket=false caps="application/x-srtp,media=audio,payload=0,clock-rate=8000,encoding-name=PCMU" ! srtpdec name=dec ! '
    "application/x-rtp,media=audio,payload=0,clock-rate=8000,encoding-name=PCMU ! rtppcmudepay ! mulawdec ! audioconvert ! "
    f"audio/x-raw,format=S16LE,channels=1 ! wavenc ! filesink location={wav}")
pipeline.get_by_name("enc").set_property("key", Gst.Buffer.new_wrapped(send_key))
pipeline.get_by_name("sink").set_property("socket", socket)
pipeline.get_by_name("source").set_property("socket", socket)
decoder = pipeline.get_by_name("dec")
decoder.connect("request-key", lambda element, ssrc: Gst.Caps.from_string(
    "application/x-srtp, srtp-cipher=(string)aes-128-icm, srtp-auth=(string)hmac-sha1-80, srtcp-cipher=(string)aes-128-icm, "
    f"srtcp-auth=(string)hmac-sha1-80, roc=(uint)0, srtp-key=(buffer){recv_key.hex()}"))

loop = GLib.MainLoop()
bus = pipeline.get_bus()
bus.add_signal_watch()


def on_message(_, message):
    if message.type == Gst.MessageType.ERROR:
        print("ERROR", message.parse_error(), flush=True)
        loop.quit()
    elif message.type == Gst.MessageType.EOS:
        loop.quit()


bus.connect("message", on_message)
pipeline.set_state(Gst.State.PLAYING)
GLib.timeout_add(int(seconds * 1000), lambda: (pipeline.send_event(Gst.Event.new_eos()), GLib.timeout_add(700, loop.quit), False)[2])
loop.run()
print("stats", decoder.get_property("stats").to_string(), flush=True)
pipeline.set_state(Gst.State.NULL)
