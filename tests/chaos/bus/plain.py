"""plain - publisher and consumer on buses without journal and replay: ZeroMQ PUB/SUB, Redis pub/sub, NATS core.

  plain.py publish KIND ADDRESS FILE EVERY_MS BURST    numbers from where FILE ends, written there before they are sent
  plain.py consume KIND ADDRESS FILE                   every number that comes, written to FILE
KIND is zmq, redis or nats; ADDRESS an ipc:// endpoint, a unix socket, a port on loopback. Runs until it is killed.
"""
import ctypes
import ctypes.util
import os
import socket
import sys
import time

SUBJECT = "chaos"


class Zmq:
  PUB, SUB, SUBSCRIBE, RECONNECT_IVL = 1, 2, 6, 18

  def __init__(self, address, publishes):
    self.lib = ctypes.CDLL(ctypes.util.find_library("zmq") or "libzmq.so.5")
    self.lib.zmq_ctx_new.restype = self.lib.zmq_socket.restype = ctypes.c_void_p
    context = ctypes.c_void_p(self.lib.zmq_ctx_new())
    self.socket = ctypes.c_void_p(self.lib.zmq_socket(context, self.PUB if publishes else self.SUB))
    if publishes:
      assert self.lib.zmq_bind(self.socket, address.encode()) == 0
      return
    self.lib.zmq_setsockopt(self.socket, self.SUBSCRIBE, b"", ctypes.c_size_t(0))
    interval = ctypes.c_int(50)
    self.lib.zmq_setsockopt(self.socket, self.RECONNECT_IVL, ctypes.byref(interval), ctypes.c_size_t(4))
    assert self.lib.zmq_connect(self.socket, address.encode()) == 0

  def send(self, payload):
    self.lib.zmq_send(self.socket, payload, ctypes.c_size_t(len(payload)), 1)  # ZMQ_DONTWAIT

  def receive(self):
    room = ctypes.create_string_buffer(64)
    n = self.lib.zmq_recv(self.socket, room, ctypes.c_size_t(64), 0)
    return [room.raw[:n]] if n > 0 else []


class Lines:
  """A broker's text protocol over a stream socket."""

  def __init__(self, s):
    self.s, self.rest = s, b""

  def line(self):
    while b"\r\n" not in self.rest:
      got = self.s.recv(65536)
      if not got:
        raise OSError("the broker is gone")
      self.rest += got
    line, self.rest = self.rest.split(b"\r\n", 1)
    return line


class Redis:
  def __init__(self, address, publishes):
    self.s = socket.socket(socket.AF_UNIX)
    self.s.connect(address)
    self.lines = Lines(self.s)
    if not publishes:
      self.s.sendall(b"SUBSCRIBE %s\r\n" % SUBJECT.encode())

  def send(self, payload):
    self.s.sendall(b"PUBLISH %s %s\r\n" % (SUBJECT.encode(), payload))
    self.lines.line()  # how many heard it

  def receive(self):
    """*3 $7 message $5 chaos $N payload"""
    if self.lines.line() != b"$7" or self.lines.line() != b"message":
      return []
    for _ in range(3):
      self.lines.line()
    return [self.lines.line()]


class Nats:
  def __init__(self, address, publishes):
    self.s = socket.create_connection(("127.0.0.1", int(address)))
    self.lines = Lines(self.s)
    self.lines.line()  # INFO
    self.s.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\n')
    self.s.setblocking(True)
    if not publishes:
      self.s.sendall(b"SUB %s 1\r\n" % SUBJECT.encode())

  def send(self, payload):
    self.s.sendall(b"PUB %s %d\r\n%s\r\n" % (SUBJECT.encode(), len(payload), payload))

  def receive(self):
    line = self.lines.line()
    if line == b"PING":
      self.s.sendall(b"PONG\r\n")
    return [self.lines.line()] if line.startswith(b"MSG ") else []


KINDS = {"zmq": Zmq, "redis": Redis, "nats": Nats}


def numbers(path):
  """What stands in the file; a last line that a kill cut off does not count."""
  try:
    with open(path, "rb") as f:
      return [int(line) for line in f.read().split(b"\n")[:-1]]
  except FileNotFoundError:
    return []


def publish(bus, path, every, burst):
  n = (numbers(path) or [0])[-1]
  with open(path, "ab", buffering=0) as out:
    while True:
      for _ in range(burst):
        n += 1
        out.write(b"%d\n" % n)  # one write: whole, or not there
        bus.send(b"%d" % n)
      time.sleep(every)


def consume(bus, path):
  with open(path, "ab", buffering=0) as out:
    while True:
      for payload in bus.receive():
        out.write(payload + b"\n")


def connect(kind, address, publishes):
  for _ in range(200):
    try:
      return KINDS[kind](address, publishes)
    except OSError:
      time.sleep(0.02)
  raise SystemExit("no %s at %s" % (kind, address))


if __name__ == "__main__":
  role, kind, address, path = sys.argv[1:5]
  os.makedirs(os.path.dirname(path), exist_ok=True)
  bus = connect(kind, address, role == "publish")
  if role == "publish":
    publish(bus, path, float(sys.argv[5]) / 1000, int(sys.argv[6]))
  else:
    consume(bus, path)
