"""Reads one MIKEY message, in hexadecimal, with GStreamer's parser (libgstsdp) and prints it field by field.

It never comes back from messages with payloads that it does not know (ID, V, ERR and whatever is newer than RFC 3830), so whoever runs it sets a limit.
"""
import ctypes as c
import sys

GST = c.CDLL("libgstreamer-1.0.so.0")
SDP = c.CDLL("libgstsdp-1.0.so.0")
OCTETS = c.POINTER(c.c_uint8)


class MiniObject(c.Structure):
    _fields_ = [("type", c.c_size_t), ("refcount", c.c_int), ("lockstate", c.c_int), ("flags", c.c_uint), ("copy", c.c_void_p), ("dispose", c.c_void_p),
                ("free", c.c_void_p), ("priv_uint", c.c_uint), ("priv_pointer", c.c_void_p)]


class Message(c.Structure):
    _fields_ = [("mini", MiniObject), ("version", c.c_uint8), ("type", c.c_int), ("v", c.c_int), ("prf", c.c_int), ("csb_id", c.c_uint32), ("map", c.c_int)]


class Session(c.Structure):
    _fields_ = [("policy", c.c_uint8), ("ssrc", c.c_uint32), ("roc", c.c_uint32)]


class Payload(c.Structure):
    _fields_ = [("mini", MiniObject), ("type", c.c_int), ("length", c.c_uint)]


class Timestamp(c.Structure):
    _fields_ = [("payload", Payload), ("type", c.c_int), ("value", OCTETS)]


class Rand(c.Structure):
    _fields_ = [("payload", Payload), ("length", c.c_uint8), ("value", OCTETS)]


class Policy(c.Structure):
    _fields_ = [("payload", Payload), ("policy", c.c_uint), ("protocol", c.c_int)]


class Parameter(c.Structure):
    _fields_ = [("type", c.c_uint8), ("length", c.c_uint8), ("value", OCTETS)]


class Kemac(c.Structure):
    _fields_ = [("payload", Payload), ("encryption", c.c_int), ("mac", c.c_int)]


class Key(c.Structure):
    _fields_ = [("payload", Payload), ("type", c.c_int), ("key_length", c.c_uint16), ("key", OCTETS), ("salt_length", c.c_uint16), ("salt", OCTETS),
                ("kv", c.c_int), ("validity_length", c.c_uint8 * 2), ("validity", OCTETS * 2)]


def declare(name, result, indexed):
    function = getattr(SDP, "gst_mikey_" + name)
    function.restype = result
    function.argtypes = [c.c_void_p] + ([c.c_uint] if indexed else [])
    return function


SESSIONS, SESSION = declare("message_get_n_cs", c.c_uint, False), declare("message_get_cs_srtp", c.POINTER(Session), True)
PAYLOADS, PAYLOAD = declare("message_get_n_payloads", c.c_uint, False), declare("message_get_payload", c.POINTER(Payload), True)
PARAMETERS, PARAMETER = declare("payload_sp_get_n_params", c.c_uint, False), declare("payload_sp_get_param", c.POINTER(Parameter), True)
KEYS, KEY = declare("payload_kemac_get_n_sub", c.c_uint, False), declare("payload_kemac_get_sub", c.POINTER(Payload), True)


def octets(value, length):
    return bytes(value[:length]).hex() if length else "-"


def each(count, get, owner):
    return [get(owner, i) for i in range(count(owner))]


def write(pointer):
    number = pointer.contents.type
    if number == 5:
        t = c.cast(pointer, c.POINTER(Timestamp)).contents
        print("T", t.type, octets(t.value, 8))
    elif number == 11:
        rand = c.cast(pointer, c.POINTER(Rand)).contents
        print("RAND", octets(rand.value, rand.length))
    elif number == 10:
        policy = c.cast(pointer, c.POINTER(Policy)).contents
        print("SP", policy.policy, policy.protocol, *[f"{p.contents.type}={octets(p.contents.value, p.contents.length)}" for p in each(PARAMETERS, PARAMETER, pointer)])
    elif number == 1:
        kemac = c.cast(pointer, c.POINTER(Kemac)).contents
        print("KEMAC", kemac.encryption, kemac.mac)
        for sub in each(KEYS, KEY, pointer):
            key = c.cast(sub, c.POINTER(Key)).contents
            print("KEY", octets(key.key, key.key_length), octets(key.salt, key.salt_length), octets(key.validity[0], key.validity_length[0]) if key.kv else "-")
    else:
        print("PAYLOAD", number)


def main():
    GST.gst_init(None, None)
    data = bytes.fromhex(sys.argv[1])
    read = SDP.gst_mikey_message_new_from_data
    read.restype, read.argtypes = c.POINTER(Message), [c.c_char_p, c.c_size_t, c.c_void_p, c.c_void_p]
    message = read(data, len(data), None, None)
    if not message:
        print("refused")
        return 1
    m = message.contents
    print("HDR", m.version, m.type, 1 if m.v else 0, m.prf, f"{m.csb_id:08x}", m.map)
    for session in each(SESSIONS, SESSION, message):
        print("CS", session.contents.policy, f"{session.contents.ssrc:08x}", session.contents.roc)
    for payload in each(PAYLOADS, PAYLOAD, message):
        write(payload)
    return 0


sys.exit(main())
