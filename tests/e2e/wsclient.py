"""wsclient - a small blocking WebSocket and REST client for the end-to-end tests, standard library only."""
import base64
import hashlib
import http.client
import json
import os
import socket
import ssl
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Closed(Exception):
    """The connection is over; code is of the close frame, 1006 where none came."""

    def __init__(self, code, reason=""):
        super().__init__(f"{code} {reason}")
        self.code = code


class WsClient:
    """One connection. Pings are answered unless answer_pings is False; frames come whole from recv()."""

    def __init__(self, port, path, protocol=None, host="127.0.0.1", timeout=10, tls=None, rcvbuf=None, headers=None):
        self.answer_pings = True
        self.pings = 0
        self.pongs = []
        self.buffer = b""
        self.sock = socket.socket()
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout)
        self.sock.connect((host, port))
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")
        self._handshake(path, protocol, host, port, headers or {})

    def _handshake(self, path, protocol, host, port, extra):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        if protocol:
            lines.append(f"Sec-WebSocket-Protocol: {protocol}")
        lines += ["%s: %s" % pair for pair in extra.items()]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status, *rest = head.decode().split("\r\n")
        self.status = int(status.split()[1])
        self.headers = {k.strip().lower(): v.strip() for k, v in (line.split(":", 1) for line in rest)}
        if self.status != 101:
            raise Closed(self.status, status)
        want = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        assert self.headers["sec-websocket-accept"] == want, "accept key"

    def _more(self):
        data = self.sock.recv(262144)
        if not data:
            raise Closed(1006)
        self.buffer += data

    def _take(self, n):
        while len(self.buffer) < n:
            self._more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def frame(self):
        """Next frame of any kind: (opcode, payload)."""
        first, second = self._take(2)
        assert not second & 0x80, "servers do not mask"
        length = second & 0x7F
        if length == 126:
            length, = struct.unpack(">H", self._take(2))
        elif length == 127:
            length, = struct.unpack(">Q", self._take(8))
        return first & 0x0F, self._take(length)

    def recv_bytes(self):
        """Next text frame; control frames are handled on the way."""
        while True:
            opcode, payload = self.frame()
            if opcode == TEXT:
                return payload
            if opcode == PING:
                self.pings += 1
                if self.answer_pings:
                    self.send(payload, PONG)
            elif opcode == PONG:
                self.pongs.append(payload)
            elif opcode == CLOSE:
                raise Closed(struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005,
                             payload[2:].decode("utf-8", "replace"))
            else:
                raise Closed(1002, f"opcode {opcode}")

    def recv(self):
        return json.loads(self.recv_bytes())

    def recv_stamped(self):
        """(stamp, message) of the subprotocol nightjar.stamped.v1."""
        stamp, text = self.recv_bytes().split(b" ", 1)
        return int(stamp), json.loads(text)

    def send(self, payload, opcode=TEXT, mask=True, fin=True):
        if isinstance(payload, str):
            payload = payload.encode()
        head = bytes([(0x80 if fin else 0) | opcode])
        bit = 0x80 if mask else 0
        if len(payload) < 126:
            head += bytes([bit | len(payload)])
        elif len(payload) < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", len(payload))
        if mask:
            key = os.urandom(4)
            payload = bytes(b ^ key[i & 3] for i, b in enumerate(payload))
            head += key
        self.sock.sendall(head + payload)

    def send_json(self, value):
        self.send(json.dumps(value))

    def close(self):
        self.sock.close()


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {k.lower(): v for k, v in headers}

    def json(self):
        return json.loads(self.body)


def rest(port, path, method="GET", body=None, host="127.0.0.1", timeout=20, tls=None):
    if tls:
        conn = http.client.HTTPSConnection("localhost", port, timeout=timeout, context=tls)
    else:
        conn = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        conn.request(method, path, body=json.dumps(body) if body is not None else None)
        reply = conn.getresponse()
        return Reply(reply.status, reply.getheaders(), reply.read())
    finally:
        conn.close()


def tls_trusting(cert):
    return ssl.create_default_context(cafile=cert)
