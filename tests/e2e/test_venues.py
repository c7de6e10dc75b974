"""venue_sim speaks each venue's own protocol from that venue's captures, and misbehaves in the venue's own ways.

What a client makes of it is compared with witnesses that the simulator does not know, and with its account of what it
has withheld (GET /nightjar/truth).
"""
import os
import sys

from simulator import CAPTURES, Simulator, top_of
from stack import LONG
from wsclient import Closed


def capture(*names):
    paths = [os.path.join(CAPTURES, name) for name in names]
    for path in paths:
        if not os.path.exists(path):
            print("skipped: no recorded data at %s (set NIGHTJAR_CAPTURES)" % path)
            sys.exit(77)
    return ",".join(paths)


def until_closed(client, quiet=3):
    """Every frame until the connection ends or nothing more comes."""
    client.sock.settimeout(quiet)
    try:
        while True:
            yield client.recv()
    except (Closed, TimeoutError):
        return


def blind(sim, stream):
    return [b for b in sim.truth()["blind"] if b["stream"] == stream]


# ---- Binance USD-M ----

class ChainedBook:
    """The local book of the futures documents: pu chains what follows the snapshot."""

    def __init__(self, snapshot):
        self.id, self.fresh, self.gaps, self.applied, self.dropped = snapshot["lastUpdateId"], True, 0, 0, 0
        self.bids = {float(p): float(q) for p, q in snapshot["bids"]}
        self.asks = {float(p): float(q) for p, q in snapshot["asks"]}

    def apply(self, d):
        if d["pu"] != self.id and (d["u"] < self.id or (d["u"] == self.id and not self.fresh)):
            self.dropped += 1
            return
        if d["pu"] != self.id and not (self.fresh and d["U"] <= self.id):
            self.gaps += 1
        for side, levels in ((self.bids, d["b"]), (self.asks, d["a"])):
            for price, qty in levels:
                if float(qty):
                    side[float(price)] = float(qty)
                else:
                    side.pop(float(price), None)
        self.id, self.fresh = d["u"], False
        self.applied += 1

    def top(self):
        bid, ask = max(self.bids), min(self.asks)
        assert bid < ask, "crossed"
        return bid, self.bids[bid], ask, self.asks[ask]


def usdm_recorded(files, symbols):
    """Streams are heard on their own base only; books from REST and diffs chained by pu."""
    lower = [s.lower() for s in symbols]
    with Simulator("--venue", "BINANCE-PERP", "--capture", files, "--speed", "max", "--start-at", str(len(symbols) * 3)) as sim:
        public = sim.ws("/public/stream?streams=" + "/".join("%s@depth@100ms/%s@bookTicker" % (s, s) for s in lower))
        snapshots_first = {s: sim.get("/fapi/v1/depth?symbol=%s&limit=1000" % s) for s in symbols}
        assert all(r.status == 200 and r.headers["x-mbx-used-weight-1m"] for r in snapshots_first.values())
        market = sim.ws("/market/stream?streams=" + "/".join("%s@aggTrade" % s for s in lower))
        assert public.headers["x-nightjar-simulator"] == "replay"
        diffs, tops = {s: [] for s in symbols}, {s: {} for s in symbols}
        for frame in until_closed(public):
            data, (symbol, channel) = frame["data"], frame["stream"].split("@", 1)
            if channel == "bookTicker":
                tops[symbol.upper()][data["u"]] = top_of(data)
            else:
                assert channel == "depth@100ms", channel
                diffs[symbol.upper()].append(data)
        trades = [f["data"]["e"] for f in until_closed(market, 1)]
        assert set(trades) <= {"aggTrade"}, set(trades)
        applied = equal = seen = 0
        for s in symbols:
            book, e, n = usdm_folded(snapshots_first[s].json(), diffs[s], tops[s])
            applied, equal, seen = applied + book.applied, equal + e, seen + n
        print("usdm: %d of %d diffs applied, no gap; %d of %d tops equal; %d trades"
              % (applied, sum(len(d) for d in diffs.values()), equal, seen, len(trades)))
        assert seen and equal == seen


def usdm_folded(snapshot, diffs, tops):
    assert snapshot["E"] > 0 and snapshot["bids"]
    book, seen, equal = ChainedBook(snapshot), 0, 0
    for d in diffs:
        book.apply(d)
        if book.applied and book.id in tops:
            seen += 1
            equal += book.top() == tops[book.id]
    assert book.gaps == 0 and book.applied > 0 and book.applied + book.dropped == len(diffs), vars(book)
    return book, equal, seen


def usdm_talk():
    """The bases: a stream on the wrong one is silent, without an error; the unrouted paths are gone."""
    with Simulator("--venue", "BINANCE-PERP", "--seed", "5", "--rate", "200") as sim:
        for path in ("/ws/btcusdt@depth@100ms", "/stream?streams=btcusdt@depth@100ms"):
            try:
                sim.ws(path)
                raise AssertionError("an unrouted path was served")
            except Closed as e:
                assert e.code == 404, e
        wrong = sim.ws("/market/stream?streams=btcusdt@depth@100ms")
        right = sim.ws("/public/ws/btcusdt@depth@100ms")
        frames = [right.recv() for _ in range(10)]
        assert all(b["pu"] == a["u"] for a, b in zip(frames, frames[1:]))
        wrong.send_json({"method": "LIST_SUBSCRIPTIONS", "params": [], "id": 1})
        assert wrong.recv() == {"result": ["btcusdt@depth@100ms"], "id": 1}, "no frame came before the answer"
        sim.fault(fault="skip", stream="btcusdt@depth@100ms")
        gap = None
        while gap is None:
            frames.append(right.recv())
            if frames[-1]["pu"] != frames[-2]["u"]:
                gap = (frames[-2]["u"], frames[-1]["pu"])
        lost, = [b for b in blind(sim, "btcusdt@depth@100ms") if b["why"] == "skipped"]
        assert (lost["first_id"], lost["last_id"]) == (gap[0] + 1, gap[1]), (lost, gap)
        sim.fault(fault="shutdown", stream="btcusdt@depth@100ms")
        while right.recv()["e"] != "serverShutdown":
            pass
        sim.fault(fault="status", status=418, retry_after=7)
        reply = sim.get("/fapi/v1/depth?symbol=BTCUSDT")
        assert reply.status == 418 and reply.headers["retry-after"] == "7" and reply.json()["code"] == -1003


# ---- Bybit ----

class AbsoluteBook:
    """Snapshot replaces, size 0 removes, u rises by one."""

    def __init__(self):
        self.u, self.gaps, self.snapshots, self.deltas = None, 0, 0, 0
        self.bids, self.asks = {}, {}

    def apply(self, frame):
        d = frame["data"]
        if frame["type"] == "snapshot":
            self.bids, self.asks = {}, {}
            self.snapshots += 1
        else:
            assert self.u is not None, "a delta before any snapshot"
            self.gaps += d["u"] != self.u + 1
            self.deltas += 1
        self.u = d["u"]
        for side, levels in ((self.bids, d["b"]), (self.asks, d["a"])):
            for price, qty in levels:
                if float(qty):
                    side[float(price)] = float(qty)
                else:
                    side.pop(float(price), None)
        return self

    def check(self):
        assert max(self.bids) < min(self.asks), "crossed"
        return self


LINEAR = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"]
BYBIT = "bybit/BYBIT.jsonl.zst"


def bybit_subscribe(ws, topics, spot=False):
    ws.send_json({"op": "subscribe", "req_id": "7", "args": topics})
    ack = ws.recv()
    while ack.get("op") != "subscribe":
        ack = ws.recv()
    assert ack["success"] and ack["ret_msg"] == ("subscribe" if spot else ""), ack
    return ack


def bybit_books(sim, path, symbols, spot):
    ws = sim.ws(path)
    topics = ["orderbook.200." + s for s in symbols]
    bybit_subscribe(ws, topics, spot)
    books = {t: AbsoluteBook() for t in topics}
    for frame in until_closed(ws):
        assert frame["topic"] in books, frame["topic"]
        book = books[frame["topic"]].apply(frame).check()
        assert len(book.bids) == len(book.asks) == 200
    return books


def bybit_recorded():
    files = capture(BYBIT)
    total = [0, 0]
    for venue, path, symbols in (("BYBIT-PERP", "/v5/public/linear", LINEAR), ("BYBIT", "/v5/public/spot", LINEAR[:2])):
        with Simulator("--venue", venue, "--capture", files, "--speed", "max", "--exit-at-end") as sim:
            books = bybit_books(sim, path, symbols, venue == "BYBIT")
        assert all(b.gaps == 0 and b.snapshots == 1 for b in books.values())
        total = [total[0] + len(books), total[1] + sum(b.deltas for b in books.values())]
    assert total == [6, 2142], total
    print("bybit: %d snapshots and %d deltas, each book 200 by 200" % tuple(total))


def bybit_talk():
    """Subscribing anew brings the book as it stands; pings by text; refusals; a client that says nothing is cut."""
    with Simulator("--venue", "BYBIT-PERP", "--seed", "3", "--rate", "200", "--idle-ms", "1500") as sim:
        ws = sim.ws("/v5/public/linear")
        topic = "orderbook.200.BTCUSDT"
        ws.send_json({"op": "ping"})
        assert ws.recv() == {"success": True, "ret_msg": "pong", "conn_id": "nightjar-0", "req_id": "", "op": "ping"}
        ws.send_json({"op": "subscribe", "args": ["orderbook.200.NOBODY"]})
        assert not ws.recv()["success"]
        bybit_subscribe(ws, [topic])
        book = AbsoluteBook()
        while book.deltas < 5:
            book.apply(ws.recv()).check()
        assert book.snapshots == 1 and book.gaps == 0
        ws.send_json({"op": "unsubscribe", "args": [topic]})
        while ws.recv().get("op") != "unsubscribe":
            pass
        bybit_subscribe(ws, [topic])
        again = AbsoluteBook()
        while again.deltas < 5:
            again.apply(ws.recv()).check()
        assert again.snapshots == 1 and again.gaps == 0 and again.u > book.u
        sim.fault(fault="refuse_subscribe")
        ws.send_json({"op": "subscribe", "args": ["publicTrade.BTCUSDT"]})
        while True:
            reply = ws.recv()
            if reply.get("op") == "subscribe":
                break
        assert reply["success"] is False and sim.truth()["subscriptions_refused"] == 2
        sim.fault(fault="no_pong")
        try:
            for _ in range(400):
                assert ws.recv().get("op") != "ping"
            raise AssertionError("a silent client was not cut")
        except Closed as e:
            assert e.code == 1000, e


def bybit_misbehaving():
    with Simulator("--venue", "BYBIT-PERP", "--seed", "3", "--rate", "200") as sim:
        ws, topic = sim.ws("/v5/public/linear"), "orderbook.200.BTCUSDT"
        bybit_subscribe(ws, [topic])
        book = AbsoluteBook()

        def read(n):
            until = book.deltas + n
            while book.deltas < until:
                book.apply(ws.recv())
        read(3)
        sim.fault(fault="skip", stream=topic, count=2)
        read(5)
        assert book.gaps == 1 and [b["frames"] for b in blind(sim, topic)] == [2], (book.gaps, blind(sim, topic))
        lost = blind(sim, topic)[0]
        assert lost["last_id"] - lost["first_id"] == 1 and lost["why"] == "skipped"
        sim.fault(fault="reorder", stream=topic)
        while book.gaps < 4:  # over to the later one, back, and over it again
            read(1)
        assert sim.truth()["streams"][topic]["reordered"] == 1
        sim.fault(fault="restart", stream=topic)
        while book.snapshots < 2:
            book.apply(ws.recv())
        assert book.u == 1, "a service that restarts counts from one"
        read(5)
        assert book.u == 6 and book.gaps == 4
        fresh = sim.ws("/v5/public/linear")
        bybit_subscribe(fresh, [topic])
        other = AbsoluteBook().apply(fresh.recv()).check()
        assert 6 <= other.u < 1000, "the new numbers are everybody's"
        sim.fault(fault="status", status=429)
        reply = sim.get("/v5/market/orderbook?category=linear&symbol=BTCUSDT")
        assert reply.status == 200 and reply.json()["retCode"] == 10006 and reply.headers["x-bapi-limit-status"] == "0"
        sim.fault(fault="status", status=403)
        assert sim.get("/v5/market/time").status == 403
        depth = sim.get("/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=5").json()["result"]
        assert len(depth["b"]) == len(depth["a"]) == 5 and float(depth["b"][0][0]) < float(depth["a"][0][0])
        info = sim.get("/v5/market/instruments-info?category=linear&symbol=BTCUSDT").json()["result"]["list"][0]
        assert info["priceFilter"]["tickSize"] == "0.01" and info["lotSizeFilter"]["qtyStep"]
        assert sim.get("/v5/market/kline?category=spot&symbol=BTCUSDT&interval=1").json()["retCode"] == 10001


def main():
    usdm_recorded(capture("binance/rest/BINANCE_FUTURES.jsonl.zst"), ["SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"])
    if LONG:
        usdm_recorded(capture("binance/usdm/btcusdt_20240808.gz"), ["BTCUSDT"])
    usdm_talk()
    bybit_recorded()
    bybit_talk()
    bybit_misbehaving()
    print("ok")


main()
