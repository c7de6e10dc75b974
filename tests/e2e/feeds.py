"""feeds - a simulated venue and a collector, nobody else; what the collector has written down of it, read again."""
import json
import os
import signal
import subprocess
import sys

from records import journal, market_log, unpack
from stack import CAPTURES, Stack, wait_for
from wsclient import rest

SNAPSHOT, DELTA, TICKER, STATE, GAP, FEED = 0x0102, 0x0103, 0x0106, 0x0108, 0x0006, 0x0109
FIELDS = 9  # the envelope's elements come before an event's own
ORIGIN = 5
TRUSTED, LIVE, REPLAY = 2, 1, 2
SEQUENCE, CHECKSUM = 1, 8


def capture(*names):
    paths = [os.path.join(CAPTURES, name) for name in names]
    for path in paths:
        if not os.path.exists(path):
            print("skipped: no recorded data at %s (set NIGHTJAR_CAPTURES)" % path)
            sys.exit(77)
    return ",".join(paths)


def kalshi_key(folder):
    """A customer's key, which Kalshi wants of every connection: its two halves."""
    private, public = os.path.join(folder, "private.pem"), os.path.join(folder, "public.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", private],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    os.chmod(private, 0o600)
    return private, public


def polymarket_tokens(path):
    """The recording begins with the book of each."""
    with open(path) as f:
        return [book["asset_id"] for book in json.loads(f.readline())]


class Feed(Stack):
    """venue_sim and a collector, nobody else."""

    def __init__(self, venue, symbols, files=None, streams="depth,trade", sim_args=(), speed="max"):
        super().__init__("feeds", speed=speed, pace="live", sim_args=("--venue", venue) + tuple(sim_args))
        self.venue, self.symbols, self.files, self.streams = venue, symbols, files, streams
        self.tickers = {}  # of results(): last price and volume by instrument

    def write_settings(self):
        base = "ws://127.0.0.1:%d" % self.port
        lines = ["bus", '    dir = "%s"' % self.path("bus"), "run", '    data = "%s"' % self.path("data"), '    pace = "live"',
                 '    origin = "replay"', '    run_id = "e2e"', "collector", '    venue = "%s"' % self.venue,
                 '    symbols = "%s"' % ",".join(self.symbols), '    streams = "%s"' % self.streams, '    klines = "0"',
                 '    stream_url = "%s"' % base, '    rest_url = "%s"' % base.replace("ws", "http"),
                 '    backoff_min = "50ms"', '    connect_limit = "4096"', '    backoff_max = "200ms"', '    silence = "600s"', '    stale = "600s"',
                 '    describe_wait = "3s"']
        with open(self.path("nightjar.conf"), "w") as f:
            f.write("\n".join(lines) + "\n")

    def start(self, env=()):
        if self.files:
            self.sim_args += ["--capture", self.files]
        self.start_venue()
        self.write_settings()
        self.start_service("collector", env)

    def fault(self, **fault):
        reply = rest(self.port, "/nightjar/fault", "POST", fault)
        assert reply.status == 200, reply.body

    def metric(self, name):
        return (self.status("collector") or {}).get("collector_%s_total" % name, 0)

    def get(self, path):
        return rest(self.port, path).json()

    def until(self, what, condition, limit=60):
        def check():
            self.check_alive()
            return condition()
        try:
            return wait_for(check, limit, what)
        except AssertionError:
            print(self.status("collector"), self.get("/nightjar/truth"), self.log("collector")[-3000:])
            raise

    def until_played(self):
        """The recording is over and nothing more comes of it."""
        self.until("the end of the recording", lambda: self.get("/nightjar/state")["player"] == "ended")
        seen = [None]

        def quiet():
            events = (self.status("collector") or {}).get("m_events")
            last, seen[0] = seen[0], events
            return events is not None and events == last
        wait_for(quiet, 30, "the collector to be done")

    def results(self):
        """Ends the collector; its books by instrument, its gaps, every origin that it named."""
        assert self.kill("collector", signal.SIGTERM) == 0, self.log("collector")[-2000:]
        books, states, origins, gaps = {}, {}, set(), []
        for body in market_log(self.path("data", "collector", "mlog")):
            at = 0
            while at < len(body):
                ev, at = unpack(body, at)
                origins.add(ev[ORIGIN])
                if ev[0] == STATE:
                    states.setdefault(ev[FIELDS], []).append(ev[FIELDS + 1])
                elif ev[0] in (SNAPSHOT, DELTA):
                    fold(books, ev)
                elif ev[0] == TICKER:
                    prices, qtys = (10 ** scale for scale in ev[FIELDS + 1:FIELDS + 3])
                    self.tickers.setdefault(ev[FIELDS], []).append((ev[FIELDS + 4] / prices, ev[FIELDS + 8] / qtys))
        for _, frame in journal(self.path("data", "collector", "journal")):
            ev, _ = unpack(frame, frame.index(b"\0") + 1)
            origins.add(ev[ORIGIN])
            if ev[0] == GAP:
                gaps.append(dict(zip(("instrument", "stream", "cause", "repair", "from", "to", "first", "last"), ev[FIELDS:])))
        assert LIVE not in origins, "simulated data is called live"
        return books, states, gaps


def fold(books, ev):
    symbol, prices, qtys = ev[FIELDS], 10 ** ev[FIELDS + 1], 10 ** ev[FIELDS + 2]
    if ev[0] == SNAPSHOT:
        books[symbol] = ({}, {})
    for side, levels in zip(books.setdefault(symbol, ({}, {})), ev[-2:]):
        for price, qty in zip(levels[::2], levels[1::2]):
            if qty:
                side[round(price / prices, 9)] = round(qty / qtys, 9)
            else:
                side.pop(round(price / prices, 9), None)


def levels(rows):
    return {round(float(p), 9): round(float(q), 9) for p, q in rows}


def best(side, n, top):
    return dict(sorted(side.items(), reverse=top)[:n])


def compare(ours, bids, asks, depth):
    """The best levels: further down a book holds what was never told, on either side."""
    assert bids and asks
    for mine, theirs, top in ((ours[0], bids, True), (ours[1], asks, False)):
        assert best(mine, depth, top) == best(theirs, depth, top), (best(mine, 3, top), best(theirs, 3, top))
