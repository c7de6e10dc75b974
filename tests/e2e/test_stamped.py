"""Recordings of Bybit, Kalshi and Polymarket with their recorded stamps, venue_sim to collector: what the collector publishes.

Compared with the recording itself, folded here by a few lines for each venue: every trade in its order, best bid and ask
after each book and change, the last book; with the counts that the golden tests have in one process; and with a second run at
another pace, byte for byte, and with nj replay's, in one process.
"""
import gzip
import json
import os
import subprocess
from decimal import Decimal

from feeds import DELTA, FIELDS, Feed, SNAPSHOT, best, capture, fold
from records import Digest, market_log, unpack
from stack import BIN

TRADE, ENDED, TS_RECV = 0x0101, "end of the recording", 7


def top(book):
    """(bid, quantity, ask, quantity); None where a side is empty."""
    bids, asks = book
    bid, ask = max(bids, default=None), min(asks, default=None)
    return tuple(None if v is None else round(float(v), 9) for v in (bid, bids.get(bid), ask, asks.get(ask)))


class Recorded:
    """What a recording says of each instrument: trades (price, quantity), tops after each book and change, the last book."""

    def __init__(self):
        self.trades, self.tops, self.books = {}, {}, {}

    def told(self, name):
        self.tops.setdefault(name, []).append(top(self.books[name]))

    def side(self, name, side):
        return self.books.setdefault(name, ({}, {}))[side]

    def level(self, name, side, price, qty, total=True):
        at, price = self.side(name, side), Decimal(price)
        at[price] = Decimal(qty) if total else at.get(price, 0) + Decimal(qty)
        if at[price] == 0:
            del at[price]

    def trade(self, name, price, qty):
        self.trades.setdefault(name, []).append((Decimal(price), Decimal(qty)))


def bybit(path, category):
    r, conn = Recorded(), None
    lines = subprocess.run(["zstdcat", path], stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    for entry in map(json.loads, lines):
        if entry["t"] == "connect" and entry["addr"].endswith("/" + category):
            conn = entry["conn"]
        if entry["t"] != "recv" or entry["conn"] != conn or "topic" not in entry["data"]:
            continue
        frame = json.loads(entry["data"])
        topic, data = frame.get("topic", ""), frame.get("data")
        if topic.startswith("orderbook.200."):
            if frame["type"] == "snapshot":
                r.books[data["s"]] = ({}, {})
            for side, key in ((0, "b"), (1, "a")):
                for price, qty in data[key]:
                    r.level(data["s"], side, price, qty)
            r.told(data["s"])
        elif topic.startswith("publicTrade."):
            for t in data:
                r.trade(t["s"], t["p"], t["v"])
    return r


def kalshi(path, _):
    r = Recorded()
    with gzip.open(path, "rt") as f:
        events = [json.loads(line)["event"] for line in f]
    for event in events:
        msg = event["msg"]
        name = msg["market_ticker"]
        if event["type"] == "orderbook_snapshot":
            r.books[name] = ({}, {})
            for side, key in ((0, "yes_dollars_fp"), (1, "no_dollars_fp")):
                for price, qty in msg.get(key, []):
                    r.level(name, side, price if side == 0 else 1 - Decimal(price), qty)
            r.told(name)
        elif event["type"] == "orderbook_delta":
            side = msg["side"] == "no"
            price = 1 - Decimal(msg["price_dollars"]) if side else msg["price_dollars"]
            r.level(name, side, price, msg["delta_fp"], total=False)
            r.told(name)
        elif event["type"] == "trade":
            r.trade(name, msg["yes_price_dollars"], msg["count_fp"])
    return r


def polymarket(path, _):
    r = Recorded()
    with open(path) as f:
        frames = [json.loads(line) for line in f if line.strip()]
    for event in [e for frame in frames for e in (frame if isinstance(frame, list) else [frame])]:
        if event["event_type"] == "book":
            r.books[event["asset_id"]] = ({}, {})
            for side, key in ((0, "bids"), (1, "asks")):
                for level in event[key]:
                    r.level(event["asset_id"], side, level["price"], level["size"])
            r.told(event["asset_id"])
        elif event["event_type"] == "price_change":
            for change in event["price_changes"]:
                r.level(change["asset_id"], change["side"] == "SELL", change["price"], change["size"])
                r.told(change["asset_id"])
        elif event["event_type"] == "last_trade_price":
            r.trade(event["asset_id"], event["price"], event["size"])
    return r


def published(log):
    """(trades, tops, last books, digest) of a collector's lane-M log; stamps rise."""
    trades, tops, books, digest, last = {}, {}, {}, Digest(), 0
    for body in market_log(log):
        digest.add(body)
        ev, _ = unpack(body)
        assert ev[TS_RECV] > last, "stamps do not rise"
        last = ev[TS_RECV]
        if ev[0] == TRADE:
            value = (Decimal(ev[FIELDS + 3]) / 10 ** ev[FIELDS + 1], Decimal(ev[FIELDS + 4]) / 10 ** ev[FIELDS + 2])
            trades.setdefault(ev[FIELDS], []).append(value)
        elif ev[0] in (SNAPSHOT, DELTA):
            fold(books, ev)
            tops.setdefault(ev[FIELDS], []).append(top(books[ev[FIELDS]]))
    return trades, tops, books, digest


def one_process(config, path):
    argv = [os.path.join(BIN, "nj"), "replay", "--config", config, "--capture", path, "--digest", "--json",
            "--set", "strategy.ema_cross.instrument=BTCUSDT.BINANCE"]  # whom nobody brings news
    rows = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=120).stdout)
    return {row["name"]: row["value"] for row in rows}["sha256.collector.m"]


def play(venue, symbols, path, speed):
    with Feed(venue, symbols, path, speed=speed) as s:
        s.extra += ["collector.stamped=true"]
        s.start()
        s.until(ENDED, lambda: ENDED in s.log("collector"))
        counters = s.status("collector")
        said = published(s.path("data", "collector", "mlog"))
        _, _, gaps = s.results()
        assert not gaps, gaps
        digest, alone = said[3], one_process(s.path("nightjar.conf"), path)
        assert alone == digest.sha.hexdigest(), "%s: in one process %s, not %s" % (venue, alone, digest)
    for name in ("malformed", "unknown", "resyncs", "depth_gaps", "seals_broken"):
        assert counters["collector_%s_total" % name] == 0, counters
    return counters, said


def replayed(venue, symbols, path, want, pace, levels, golden):
    """pace: of the second run. golden: books and changes, trades, and hashes met, as the golden test of the venue has them."""
    counters, (trades, tops, books, digest) = play(venue, symbols, path, "max")
    counts = (sum(map(len, tops.values())), sum(map(len, trades.values())), counters["collector_seals_met_total"])
    assert counts == golden, (counts, counters)
    for name in symbols:
        id, = [i for i in books if i.split(".")[0].replace("-PERP", "") == name]
        assert trades.get(id, []) == want.trades.get(name, []), "%s: other trades than recorded" % id
        assert tops[id] == want.tops[name], "%s: other best prices than recorded" % id
        sides = [{round(float(p), 9): round(float(q), 9) for p, q in side.items()} for side in want.books[name]]
        for mine, theirs, highest in ((books[id][0], sides[0], True), (books[id][1], sides[1], False)):
            assert best(mine, levels, highest) == best(theirs, levels, highest), id
    _, (_, _, _, again) = play(venue, symbols, path, pace)
    assert again == digest, "at another pace: %s, not %s" % (again, digest)
    print("%s: %d books and changes, %d trades, all as recorded; %s, twice" % (venue, golden[0], golden[1], digest))


def usdm():
    """Two connections, one for each base, and books that begin with replies."""
    symbols = ["SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"]
    counters, (trades, tops, _, digest) = play("BINANCE-PERP", symbols, capture("binance/rest/BINANCE_FUTURES.jsonl.zst"), "max")
    assert len(tops) == 4 and counters["collector_snapshots_total"] == 4, (tops.keys(), counters)
    assert sum(map(len, trades.values())) == 91, trades
    print("BINANCE-PERP: 4 books, 91 trades; %s, over the bus and in one process" % digest)


def main():
    usdm()
    path = capture("bybit/BYBIT.jsonl.zst")
    linear = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"]
    replayed("BYBIT-PERP", linear, path, bybit(path, "linear"), "40", 200, (1598, 327, 0))
    replayed("BYBIT", linear[:2], path, bybit(path, "spot"), "40", 200, (550, 20, 0))
    name = "KXGOLD15M-26AUG050800-00"
    path = capture("kalshi/events/%s/2026-08-05.ndjson.gz" % name)
    replayed("KALSHI", [name], path, kalshi(path, None), "500", 1000, (28616, 399, 0))
    path = capture("polymarket/polymarket_ws.jsonl")
    with open(path) as f:
        tokens = [book["asset_id"] for book in json.loads(f.readline())]
    replayed("POLYMARKET", tokens, path, polymarket(path, None), "100", 1000, (120, 2, 118))
    print("ok")


main()
