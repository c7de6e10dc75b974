"""The collector on each venue's own protocol: books equal to the venue's, what it was not sent on record, nothing called live.

The venue is venue_sim with that venue's captures. Its books (REST, folded by code of its own) and its account of what it
has withheld (GET /nightjar/truth) are what the collector's log and journal are compared with.
"""
import json
import os
import signal
import sys

from records import journal, market_log, unpack
from stack import CAPTURES, Stack, wait_for
from wsclient import rest

SNAPSHOT, DELTA, STATE, GAP, FEED = 0x0102, 0x0103, 0x0108, 0x0006, 0x0109
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


class Feed(Stack):
    """venue_sim and a collector, nobody else."""

    def __init__(self, venue, symbols, files, info=None, streams="depth,trade", sim_args=(), speed="max"):
        super().__init__("feeds", speed=speed, pace="live", sim_args=("--venue", venue) + tuple(sim_args))
        self.venue, self.symbols, self.files, self.info, self.streams = venue, symbols, files, info, streams

    def write_settings(self):
        base = "ws://127.0.0.1:%d" % self.port
        lines = ["bus", '    dir = "%s"' % self.path("bus"), "run", '    data = "%s"' % self.path("data"), '    pace = "live"',
                 '    origin = "replay"', '    run_id = "e2e"', "collector", '    venue = "%s"' % self.venue,
                 '    symbols = "%s"' % ",".join(self.symbols), '    streams = "%s"' % self.streams, '    klines = "0"',
                 '    stream_url = "%s"' % base, '    rest_url = "%s"' % base.replace("ws", "http"),
                 '    backoff_min = "50ms"', '    backoff_max = "200ms"', '    silence = "600s"', '    stale = "600s"',
                 '    describe_wait = "3s"']
        with open(self.path("nightjar.conf"), "w") as f:
            f.write("\n".join(lines) + "\n")

    def start(self, env=()):
        self.sim_args += ["--capture", self.files] + (["--exchange-info", self.info] if self.info else [])
        self.start_venue()
        self.write_settings()
        self.start_service("collector", env)

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


# ---- the venues ----

def bybit():
    """Every book is 200 by 200; a hole in u costs the trust, and a snapshot brings it back."""
    for venue, symbols in (("BYBIT-PERP", ["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"]), ("BYBIT", ["BTCUSDT", "ETHUSDT"])):
        category = "linear" if venue == "BYBIT-PERP" else "spot"
        depth, trades = "orderbook.200.ETHUSDT", len(symbols) * 2
        with Feed(venue, symbols, capture("bybit/BYBIT.jsonl.zst"), speed="20",
                  sim_args=("--start-at", str(trades), "--faults", "skip@60:%s*2,duplicate@20,restart@90:%s" % (depth, depth))) as s:
            s.start()
            s.until_played()
            golden = {n: s.get("/v5/market/orderbook?category=%s&symbol=%s&limit=200" % (category, n))["result"] for n in symbols}
            truth = s.get("/nightjar/truth")
            books, states, gaps = s.results()
            for n in symbols:
                id = n + (".BYBIT" if venue == "BYBIT" else "-PERP.BYBIT")
                assert states[id][-1] == TRUSTED, (id, states[id])
                compare(books[id], levels(golden[n]["b"]), levels(golden[n]["a"]), 200)
            lost, = [b for b in truth["blind"] if b["stream"] == depth and b["why"] == "skipped"]
            holes = [g for g in gaps if g["stream"] == "depth" and g["cause"] == SEQUENCE]
            assert [(g["first"], g["last"]) for g in holes] == [(lost["first_id"], lost["last_id"])], (holes, lost)
            print("%s: %d books equal, 1 hole of %d updates on record" % (venue, len(symbols), lost["frames"]))


def usdm():
    """Two connections, one for each base; books from REST and diffs chained by pu."""
    symbols = ["SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"]
    depth = "keepusdt@depth@100ms"
    with Feed("BINANCE-PERP", symbols, capture("binance/rest/BINANCE_FUTURES.jsonl.zst"), streams="depth,top,trade", speed="5",
              sim_args=("--start-at", str(len(symbols) * 3), "--faults", "skip@60:%s*2" % depth)) as s:
        s.start()
        s.until_played()
        golden = {n: s.get("/fapi/v1/depth?symbol=%s&limit=1000" % n) for n in symbols}
        truth = s.get("/nightjar/truth")
        books, states, gaps = s.results()
        for n in symbols:
            id = n + "-PERP.BINANCE"
            assert states[id][-1] == TRUSTED, (id, states[id])
            compare(books[id], levels(golden[n]["bids"]), levels(golden[n]["asks"]), 50)
        lost, = [b for b in truth["blind"] if b["stream"] == depth and b["why"] == "skipped"]
        holes = [g for g in gaps if g["stream"] == "depth" and g["cause"] == SEQUENCE]
        assert len(holes) == 1 and holes[0]["first"] <= lost["first_id"] and lost["last_id"] <= holes[0]["last"], (holes, lost)
        assert truth["connections"] >= 2 and all(v["unheard"] == 0 for v in truth["streams"].values()), truth
        print("BINANCE-PERP: %d books equal, 1 hole of %d updates on record" % (len(symbols), lost["frames"]))


def kalshi_key(folder):
    import subprocess
    private, public = os.path.join(folder, "private.pem"), os.path.join(folder, "public.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", private],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    os.chmod(private, 0o600)
    return private, public


def kalshi():
    """A signed connection; one sequence over both markets: a hole puts both books in doubt."""
    symbols = ["KXGOLD15M-26AUG050800-00", "KXGOLD15M-26AUG102000-00"]
    files = capture("kalshi/events/%s/2026-08-05.ndjson.gz" % symbols[0], "kalshi/events/%s/2026-08-10.ndjson.gz" % symbols[1])
    with Feed("KALSHI", symbols, files, speed="max") as s:
        private, public = kalshi_key(s.dir)
        s.sim_args += ["--client-key", public, "--faults", "skip@5000:orderbook_delta/%s*3" % symbols[0]]
        s.extra += ["collector.key_file=" + private]
        s.start({"NIGHTJAR_COLLECTOR__KEY_ID": "11111111-2222-3333-4444-555555555555"})
        s.until_played()
        golden = {n: s.get("/trade-api/v2/markets/%s/orderbook" % n)["orderbook_fp"] for n in symbols}
        truth = s.get("/nightjar/truth")
        books, states, gaps = s.results()
        for n in symbols:
            theirs = golden[n]
            asks = {round(1 - p, 9): q for p, q in levels(theirs.get("no_dollars", [])).items()}
            mine = books[n + ".KALSHI"]
            assert mine == (levels(theirs.get("yes_dollars", [])), asks), n
        lost, = [b for b in truth["blind"] if b["why"] == "skipped"]
        holes = [g for g in gaps if g["stream"] == "depth" and g["cause"] == SEQUENCE]
        assert holes and {g["last"] - g["first"] + 1 for g in holes} == {lost["frames"]}, (holes, lost)
        print("KALSHI: %d books equal, signed; a hole of %d in the subscription on record" % (len(symbols), lost["frames"]))


def polymarket():
    """Two tokens of one market, without sequences: that a frame is missing shows in the hashes; fresh books bring trust back."""
    files = capture("polymarket/polymarket_ws.jsonl")
    with open(files) as f:
        symbols = [book["asset_id"] for book in json.loads(f.readline())]
    # What these two frames told is not told again before the end.
    with Feed("POLYMARKET", symbols, files, speed="20", sim_args=("--start-at", "3", "--faults", "skip@53*2")) as s:
        s.start()
        s.until_played()
        golden = {n: s.get("/book?token_id=" + n) for n in symbols}
        truth = s.get("/nightjar/truth")
        books, states, gaps = s.results()
        for n in symbols:
            id, = [k for k in books if k.startswith(n)]
            theirs = [levels((r["price"], r["size"]) for r in golden[n][side]) for side in ("bids", "asks")]
            assert states[id][-1] == TRUSTED and books[id] == tuple(theirs), (id, states[id])
        lost = [b for b in truth["blind"] if b["why"] == "skipped"]
        holes = [g for g in gaps if g["cause"] == CHECKSUM]
        assert holes and all(g["stream"] == "depth" for g in holes), (gaps, lost)
        assert all(lost[0]["from_wall"] < g["to"] for g in holes), (gaps, lost)
        print("POLYMARKET: %d books equal, %d frames missing, found by hashes" % (len(symbols), sum(b["frames"] for b in lost)))


def main():
    for venue in (bybit, usdm, kalshi, polymarket):
        venue()
    print("ok")


main()
