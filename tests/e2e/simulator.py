"""simulator - starts a venue_sim for the end-to-end tests, and folds books as Binance documents it."""
import gzip
import json
import os
import subprocess
import tempfile
import time

from wsclient import WsClient, rest

BIN = os.environ.get("NJ_BIN", os.path.join(os.path.dirname(__file__), "../../build/dev/bin"))
SOURCE = os.environ.get("NJ_SOURCE", os.path.join(os.path.dirname(__file__), "../.."))
CAPTURES = os.environ.get("NIGHTJAR_CAPTURES", os.path.join(SOURCE, "../shared/captures"))
STAMPED = "nightjar.stamped.v1"


class Simulator:
    """with Simulator("--speed", "max") as sim: …"""

    def __init__(self, *args):
        self.folder = tempfile.TemporaryDirectory()
        port_file = os.path.join(self.folder.name, "port")
        self.errors = open(os.path.join(self.folder.name, "stderr"), "w+b")
        self.process = subprocess.Popen(
            [os.path.join(BIN, "venue_sim"), "--listen", "127.0.0.1:0", "--port-file", port_file, *args],
            stdout=subprocess.DEVNULL, stderr=self.errors)
        until = time.monotonic() + 20
        while not os.path.exists(port_file):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("venue_sim did not start: " + self.log())
            time.sleep(0.005)
        self.port = int(open(port_file).read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        text = self.log()
        self.errors.close()
        self.folder.cleanup()
        assert code == 0, f"venue_sim ended with {code}: {text[-2000:]}"

    def log(self):
        self.errors.seek(0)
        return self.errors.read().decode("utf-8", "replace")

    def ws(self, path, **kw):
        return WsClient(self.port, path, **kw)

    def stamped(self, path, **kw):
        return WsClient(self.port, path, protocol=STAMPED, **kw)

    def get(self, path, **kw):
        return rest(self.port, path, **kw)

    def fault(self, **fault):
        reply = rest(self.port, "/nightjar/fault", "POST", fault)
        assert reply.status == 200, reply.body
        return reply.json()

    def truth(self):
        return self.get("/nightjar/truth").json()


class Book:
    """The local book of the documentation: snapshot, then diffs; text in, text out."""

    def __init__(self, snapshot):
        self.id = snapshot["lastUpdateId"]
        self.bids = {float(p): q for p, q in snapshot["bids"]}
        self.asks = {float(p): q for p, q in snapshot["asks"]}
        self.applied = 0

    def apply(self, diff):
        """True where it was applied, False where it is older; AssertionError at a gap."""
        if diff["u"] <= self.id:
            return False
        assert diff["U"] <= self.id + 1, f"gap: {diff['U']} after {self.id}"
        for side, levels in ((self.bids, diff["b"]), (self.asks, diff["a"])):
            for price, qty in levels:
                if float(qty) == 0:
                    side.pop(float(price), None)
                else:
                    side[float(price)] = qty
        self.id = diff["u"]
        self.applied += 1
        return True

    def top(self):
        bid, ask = max(self.bids), min(self.asks)
        assert bid < ask, "crossed"
        return bid, float(self.bids[bid]), ask, float(self.asks[ask])


def top_of(ticker):
    return float(ticker["b"]), float(ticker["B"]), float(ticker["a"]), float(ticker["A"])


def read_stamped(client):
    """All (stamp, message) up to the end marker, and the marker's stamp."""
    lines = []
    while True:
        stamp, message = client.recv_stamped()
        if message.get("e") == "nightjar.end":
            return lines, stamp
        lines.append((stamp, message))


START = 1_700_000_000_000_000_000
MS = 1_000_000


class Fixture:
    """A recording made by the test: contiguous diffs, trades, a snapshot at a chosen line; known by heart."""

    def __init__(self, folder, lines=1000, snapshots=(20,), symbol="BTCUSDT"):
        self.path = os.path.join(folder, "fixture.gz")
        self.lines = []  # (stamp, text, stream or None)
        stream = symbol.lower()
        update = 1000
        bids = {100.0 - i / 100: 1.0 + i for i in range(50)}
        asks = {100.01 + i / 100: 2.0 + i for i in range(50)}
        for k in range(lines):
            stamp = START + k * 10 * MS
            if k in snapshots:
                body = {"lastUpdateId": update, "bids": self.levels(sorted(bids.items(), reverse=True)),
                        "asks": self.levels(sorted(asks.items()))}
                self.lines.append((stamp + 1, json.dumps(body, separators=(",", ":")), None))
            event = int(stamp / MS)
            if k % 3 == 0:
                price = 99.5 + (k % 50) / 100
                bids[price] = 1.0 + k
                data = {"e": "depthUpdate", "E": event, "s": symbol, "U": update + 1, "u": update + 2,
                        "b": self.levels([(price, bids[price])]), "a": []}
                update += 2
                self.add(stamp, f"{stream}@depth@100ms", data)
            elif k % 3 == 1:
                data = {"u": update, "s": symbol, "b": f"{max(bids):.8f}", "B": f"{bids[max(bids)]:.8f}",
                        "a": f"{min(asks):.8f}", "A": f"{asks[min(asks)]:.8f}"}
                self.add(stamp, f"{stream}@bookTicker", data)
            else:
                data = {"e": "trade", "E": event, "s": symbol, "t": k, "p": "100.01000000", "q": "0.50000000",
                        "T": event, "m": k % 2 == 0, "M": True}
                self.add(stamp, f"{stream}@trade", data)
        with gzip.open(self.path, "wt") as f:
            f.write("".join(f"{stamp} {text}\n" for stamp, text, _ in self.lines))

    @staticmethod
    def levels(pairs):
        return [[f"{p:.8f}", f"{q:.8f}"] for p, q in pairs]

    def add(self, stamp, stream, data):
        text = json.dumps({"stream": stream, "data": data}, separators=(",", ":"))
        self.lines.append((stamp, text, stream))

    def frames(self, *streams):
        return [(stamp, json.loads(text)) for stamp, text, stream in self.lines
                if stream and (not streams or stream in streams)]
