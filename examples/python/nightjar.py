"""nightjar - Nightjar's wire format and bus for Python, made from what `nj schema --json` prints.

Nothing here knows an event by heart: the schema names events, fields, enumerations, topics and sockets.
Needs pyzmq and msgpack (Debian: python3-zmq, python3-msgpack).
"""
import decimal
import json
import os
import secrets
import struct
import time

import msgpack
import zmq

EMPTY = {"bool": False, "int": 0, "str": "", "list": [], "bytes": b""}


class Schema:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            data = json.load(f)
        self.envelope = data["envelope"]
        self.kinds = {k["name"]: k for k in data["kinds"]}
        self.enums = {e["name"]: e for e in data["enums"]}
        self.errors = {e["value"]: e["name"] for e in data["errors"]}
        self.by_id = {e["id"]: e for e in data["events"]}
        self.by_name = {e["name"]: e for e in data["events"]}

    def _text(self, row, value):
        """The name of an enumeration's value; one that is newer than the schema stays a number."""
        items = self.enums[row["enum"]]["items"]
        return next((i["name"] for i in items if i["value"] == value), value)

    def _value(self, row, value):
        if "enum" not in row or isinstance(value, int):
            return value
        return next((i["value"] for i in self.enums[row["enum"]]["items"] if i["name"] == value), 0)

    def _fill(self, row, given):
        return self._value(row, given.get(row["name"], EMPTY[self.kinds[row["kind"]]["type"]]))

    def decode(self, array):
        """An event as a dict, or None where the id is newer than the schema. What an older sender leaves out is empty.
        Where an event has a field of the envelope's name (a reply's id), it is the event's."""
        event = self.by_id.get(array[0])
        if event is None:
            return None
        out = {"event": event["name"]}
        for row in self.envelope + event["fields"]:
            value = array[row["index"]] if row["index"] < len(array) else EMPTY[self.kinds[row["kind"]]["type"]]
            out[row["name"]] = self._text(row, value) if "enum" in row else value
        return out

    def frame(self, frame):
        """Topic and events of a frame: the topic, a NUL, and one msgpack array after another."""
        topic, _, body = frame.partition(b"\0")
        unpacker = msgpack.Unpacker(strict_map_key=False, max_buffer_size=1 << 21)
        unpacker.feed(body)
        return topic.decode(), [ev for ev in map(self.decode, unpacker) if ev is not None]

    def encode(self, name, source, **fields):
        """A packed event. Enumerations by name; what is not given is empty."""
        event = self.by_name[name]
        unknown = set(fields) - {row["name"] for row in event["fields"]}
        if unknown:
            raise ValueError("%s has no %s" % (name, ", ".join(sorted(unknown))))
        head = {"id": event["id"], "version": event["version"], "source": source}
        array = [self._fill(row, head) for row in self.envelope] + [self._fill(row, fields) for row in event["fields"]]
        return msgpack.packb(array)


def number(event, field, scale):
    """A scaled integer as an exact decimal: number(trade, "price", "price_scale")."""
    return decimal.Decimal(event[field]).scaleb(-event[scale])


def page_frames(page):
    """The frames of a reply's page: four bytes of length, lowest first, and the frame."""
    at = 0
    while at + 4 <= len(page):
        size, = struct.unpack_from("<I", page, at)
        yield page[at + 4:at + 4 + size]
        at += 4 + size


class Refused(Exception):
    """A service said no: .error is the name of schema.errors, .reply the whole answer."""

    def __init__(self, error, reply):
        super().__init__("%s: %s" % (error, reply["message"]))
        self.error, self.reply = error, reply


class NoAnswer(Exception):
    pass


class Asker:
    """Requests to one service. An answer that does not come is NoAnswer: ask again, with the same nonce."""

    def __init__(self, schema, bus, service, owner):
        self.schema, self.service, self.owner = schema, service, owner
        self.endpoint = "ipc://" + os.path.join(os.path.abspath(bus), service + ".rep")
        self.socket, self.next_id = None, 0

    def close(self):
        if self.socket:
            self.socket.close(linger=0)
        self.socket = None

    def ask(self, verb, timeout=5.0, **fields):
        """Reply and page. For verbs that change something give a nonce; the order is void after half a minute."""
        if self.socket is None:
            self.socket = zmq.Context.instance().socket(zmq.DEALER)
            self.socket.setsockopt(zmq.LINGER, 0)
            self.socket.connect(self.endpoint)
        self.next_id += 1
        if fields.get("nonce"):
            fields.setdefault("expires_at", time.time_ns() + 30 * 10**9)
        self.socket.send(self.schema.encode("request", "python", verb=verb, id=self.next_id, owner=self.owner, **fields))
        end = time.monotonic() + timeout
        while self.socket.poll(max(0, int(1000 * (end - time.monotonic())))):
            frames = self.socket.recv_multipart()
            reply = self.schema.decode(msgpack.unpackb(frames[0], strict_map_key=False))
            if reply and reply["event"] == "reply" and reply["id"] == self.next_id:
                return reply, frames[1] if len(frames) > 1 else b""
        self.close()  # the next request finds a service that was started anew
        raise NoAnswer("%s does not answer" % self.service)

    def order(self, verb, **fields):
        """The same for what must be done once, however often it has to be asked: until there is an answer."""
        fields.setdefault("nonce", secrets.token_hex(16))
        while True:
            try:
                reply, _ = self.ask(verb, **fields)
            except NoAnswer:
                continue
            error = self.schema.errors.get(reply["result"], "") if reply["result"] else ""
            if error == "ERR_BUSY":
                time.sleep(0.1)
                continue
            if error:
                raise Refused(error, reply)
            return reply


class Follower:
    """Lane M of a publisher, without holes: what ZeroMQ drops is seen by its sequence and asked for."""

    def __init__(self, schema, bus, publisher, prefix=""):
        self.schema, self.publisher, self.prefix = schema, publisher, prefix
        self.asker = Asker(schema, bus, publisher, "python")
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.setsockopt(zmq.RCVHWM, 10000)
        self.socket.setsockopt(zmq.SUBSCRIBE, prefix.encode())
        self.socket.connect("ipc://" + os.path.join(os.path.abspath(bus), publisher + ".m"))
        self.last = {}     # topic: (epoch, seq)
        self.stamp = 0     # ts_recv of the newest event: a position in the publisher's log
        self.holes = self.repaired = 0

    def _is_next(self, topic, ev):
        epoch, seq = self.last.get(topic, (ev["epoch"], ev["seq"] - 1))
        return ev["seq"] == seq + 1 or ev["epoch"] != epoch

    def _take(self, topic, ev):
        """Telemetry is outside of the stamped sequence; of the rest, everything once."""
        if self.schema.by_name[ev["event"]]["telemetry"]:
            return True
        if ev["ts_recv"] <= self.stamp:
            return False
        self.last[topic] = (ev["epoch"], ev["seq"])
        self.stamp = ev["ts_recv"]
        return True

    def _missed(self):
        """Pages of the publisher's log behind the last stamp."""
        more = True
        while more:
            reply, page = self.asker.ask("replay_m", **{"from": self.stamp})
            if reply["result"] not in (0,) and self.schema.errors.get(reply["result"]) != "ERR_GAP":
                return
            before = self.stamp
            for frame in page_frames(page):
                topic, events = self.schema.frame(frame)
                for ev in events:
                    if topic.startswith(self.prefix) and self._take(topic, ev):
                        self.repaired += 1
                        yield topic, ev
                    else:
                        self.stamp = max(self.stamp, ev["ts_recv"])
            more = reply["more"] and self.stamp > before

    def events(self, timeout):
        """(topic, event) in order, until nothing comes for so many seconds."""
        while self.socket.poll(int(timeout * 1000)):
            topic, events = self.schema.frame(self.socket.recv())
            for ev in events:
                if not self._is_next(topic, ev):
                    self.holes += 1
                    yield from self._missed()
                if self._take(topic, ev):
                    yield topic, ev
