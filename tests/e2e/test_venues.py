"""venue_sim speaks each venue's own protocol from that venue's captures, and misbehaves in the venue's own ways.

What a client makes of it is compared with witnesses that the simulator does not know, and with its account of what it
has withheld (GET /nightjar/truth).
"""
import calendar
import json
import os
import sys
import tempfile
import time

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


# ---- Kalshi ----

class RelativeBook:
    """Bids of YES and of NO; changes are added; seq counts over the subscription."""

    def __init__(self):
        self.yes, self.no, self.known = {}, {}, False

    def apply(self, frame):
        msg = frame["msg"]
        if frame["type"] == "orderbook_snapshot":
            self.yes = {float(p): float(q) for p, q in msg.get("yes_dollars_fp", [])}
            self.no = {float(p): float(q) for p, q in msg.get("no_dollars_fp", [])}
            self.known = True
        elif self.known:
            side = self.yes if msg["side"] == "yes" else self.no
            price = float(msg["price_dollars"])
            side[price] = round(side.get(price, 0) + float(msg["delta_fp"]), 2)
            assert side[price] >= 0, "less than nothing"
            if side[price] == 0:
                del side[price]
        return self

    def check(self):
        if self.yes and self.no:
            assert max(self.yes) + max(self.no) < 1.00001, "crossed"
        return self


def kalshi_subscribe(ws, channels, tickers, n=1, **params):
    ws.send_json({"id": n, "cmd": "subscribe", "params": dict(channels=channels, market_tickers=tickers, **params)})
    sids = {}
    for _ in channels:
        ack = ws.recv()
        assert ack["type"] == "subscribed" and ack["id"] == n, ack
        sids[ack["msg"]["channel"]] = ack["msg"]["sid"]
    return sids


def kalshi_recorded():
    """Two recordings in one subscription: one sequence over both, books without a negative size, never crossed."""
    tickers = ["KXGOLD15M-26AUG050800-00", "KXGOLD15M-26AUG102000-00"]
    files = capture(*("kalshi/events/%s/%s.ndjson.gz" % x for x in
                      ((tickers[0], "2026-08-05"), (tickers[1], "2026-08-10"))))
    info = capture("kalshi/KXGOLD15M-26AUG050800.json")
    with Simulator("--venue", "KALSHI", "--capture", files, "--speed", "max", "--exit-at-end", "--exchange-info", info) as sim:
        ws = sim.ws("/trade-api/ws/v2")
        markets = sim.get("/trade-api/v2/markets?tickers=" + ",".join(tickers)).json()["markets"]
        assert [m["ticker"] for m in markets] == tickers
        assert markets[0]["price_ranges"][0]["step"] == "0.0100" and markets[0]["status"] == "finalized"
        sids = kalshi_subscribe(ws, ["orderbook_delta", "trade"], tickers)
        assert sids == {"orderbook_delta": 1, "trade": 2}
        books, seq, n, trades = {t: RelativeBook() for t in tickers}, {1: 0, 2: 0}, 0, 0
        for frame in until_closed(ws):
            assert frame["seq"] == seq[frame["sid"]] + 1, frame
            seq[frame["sid"]] += 1
            if frame["type"] == "trade":
                trades += 1
                continue
            n += 1
            books[frame["msg"]["market_ticker"]].apply(frame)
            if n % 20 == 0:
                books[frame["msg"]["market_ticker"]].check()
        assert all(b.known for b in books.values())
        print("kalshi: %d book frames and %d trades, each subscription counted in ones" % (n, trades))
        kalshi_candles(sim, tickers[0])


def kalshi_candles(sim, ticker):
    """Candles by their ends: those of an hour add up to its own, unknown markets are left out, spans have a limit."""
    path = "/trade-api/v2/markets/candlesticks?market_tickers=%s&start_ts=%d&end_ts=%d&period_interval=%d"
    trades = sim.get("/trade-api/v2/markets/trades?limit=1&ticker=" + ticker).json()["trades"]
    newest = calendar.timegm(time.strptime(trades[0]["created_time"][:19], "%Y-%m-%dT%H:%M:%S"))
    end = newest // 3600 * 3600 + 3600
    market, = sim.get(path % (ticker + ",KXNONE", end - 3599, end, 1)).json()["markets"]
    hour, = sim.get(path % (ticker, end, end, 60)).json()["markets"][0]["candlesticks"]
    minutes = market["candlesticks"]
    traded = [m for m in minutes if float(m["volume_fp"]) > 0]
    assert market["market_ticker"] == ticker and hour["end_period_ts"] == end
    assert all(m["end_period_ts"] % 60 == 0 and end - 3600 < m["end_period_ts"] <= end for m in minutes)
    assert all((m["price"]["open_dollars"] is None) == (m not in traded) for m in minutes)
    assert abs(sum(float(m["volume_fp"]) for m in minutes) - float(hour["volume_fp"])) < 0.001
    for key, value in (("open", traded[0]), ("close", traded[-1])):
        assert hour["price"][key + "_dollars"] == value["price"][key + "_dollars"]
    assert hour["price"]["high_dollars"] == max(m["price"]["high_dollars"] for m in traded)
    assert sim.get(path % (ticker, 1, 60 * 10002, 1)).status == 400 and sim.get(path % (ticker, 1, 60, 5)).status == 400


def signed_headers(key, path):
    """RSA-PSS over timestamp, method and path, by the openssl program."""
    import base64
    import subprocess
    at = "1785930336512"
    sig = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                          "rsa_pss_saltlen:digest"], input=(at + "GET" + path).encode(), stdout=subprocess.PIPE, check=True).stdout
    return {"KALSHI-ACCESS-KEY": "11111111-2222-3333-4444-555555555555", "KALSHI-ACCESS-TIMESTAMP": at,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(sig).decode()}


def kalshi_signed(folder):
    import subprocess
    private, public = os.path.join(folder, "private.pem"), os.path.join(folder, "public.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", private],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    path = "/trade-api/ws/v2"
    with Simulator("--venue", "KALSHI", "--client-key", public) as sim:
        sim.ws(path, headers=signed_headers(private, path)).close()
        wrong = dict(signed_headers(private, path), **{"KALSHI-ACCESS-TIMESTAMP": "1785930336513"})
        for headers in ({}, wrong, signed_headers(private, "/trade-api/v2/ws"),
                        dict(wrong, **{"KALSHI-ACCESS-SIGNATURE": "AAAA"})):
            try:
                sim.ws(path, headers=headers)
                raise AssertionError("a handshake that is not signed was let in: %s" % headers)
            except Closed as e:
                assert e.code == 401, e


class KalshiClient:
    """One subscription to a generated market: reads until something is true, and counts what is missing."""

    def __init__(self, sim, ticker="KX-DEMO-A"):
        self.ws, self.ticker, self.seq, self.gaps, self.unnumbered, self.notices = sim.ws("/trade-api/ws/v2"), ticker, 0, [], 0, []
        self.sids = kalshi_subscribe(self.ws, ["orderbook_delta"], [ticker])
        self.book, self.snapshots = RelativeBook(), 0

    def read_until(self, condition):
        while not condition():
            frame = self.ws.recv()
            if "seq" in frame:
                if frame["seq"] != self.seq + 1:
                    self.gaps.append((self.seq + 1, frame["seq"] - 1))
                self.seq = frame["seq"]
            else:
                self.unnumbered += 1
            if frame["type"].startswith("orderbook"):
                self.snapshots += frame["type"] == "orderbook_snapshot"
                self.book.apply(frame).check() if not self.gaps else None
            else:
                self.notices.append(frame)


def kalshi_talk():
    """A snapshot on demand has its place in the sequence; a channel twice, an unknown market, a dead subscription."""
    with Simulator("--venue", "KALSHI", "--seed", "3", "--rate", "100", "--ping-ms", "200") as sim:
        c = KalshiClient(sim)
        c.read_until(lambda: c.snapshots == 1 and c.seq > 20)
        assert not c.gaps
        c.ws.send_json({"id": 5, "cmd": "update_subscription",
                        "params": {"sids": [1], "action": "get_snapshot", "market_tickers": [c.ticker]}})
        c.read_until(lambda: c.snapshots == 2 and c.notices)
        assert not c.gaps and c.notices[0]["type"] == "ok" and c.notices[0]["sid"] == 1 and "seq" in c.notices[0]
        c.read_until(lambda: c.ws.pings > 0)
        book = sim.get("/trade-api/v2/markets/%s/orderbook" % c.ticker).json()["orderbook_fp"]
        assert float(book["yes_dollars"][-1][0]) + float(book["no_dollars"][-1][0]) < 1
        assert float(book["yes_dollars"][0][0]) < float(book["yes_dollars"][-1][0]), "the best is last"
        for request, code in ((dict(cmd="subscribe", params={"channels": ["orderbook_delta"], "market_tickers": ["NO-ONE"]}), 16),
                              (dict(cmd="subscribe", params={"channels": ["nothing"], "market_tickers": [c.ticker]}), 8),
                              (dict(cmd="subscribe", params={"channels": ["orderbook_delta"], "market_tickers": [c.ticker]}), 6),
                              (dict(cmd="unsubscribe", params={"sids": [77]}), 7), (dict(cmd="dance", params={}), 5)):
            c.notices = []
            c.ws.send_json(dict(request, id=9))
            c.read_until(lambda: c.notices)
            assert c.notices[0]["type"] == "error" and c.notices[0]["msg"]["code"] == code, (c.notices, code)
        assert not c.gaps
        flipped = sim.ws("/trade-api/ws/v2")
        kalshi_subscribe(flipped, ["orderbook_delta"], [c.ticker], use_yes_price=True)
        snapshot = flipped.recv()
        assert snapshot["type"] == "orderbook_snapshot"
        best_no = float(snapshot["msg"]["no_dollars_fp"][-1][0])
        assert best_no > float(snapshot["msg"]["yes_dollars_fp"][-1][0]), "NO is on the scale of YES"
        while flipped.recv()["msg"].get("side") != "no":
            pass


def kalshi_misbehaving():
    stream = "orderbook_delta/KX-DEMO-A"
    with Simulator("--venue", "KALSHI", "--seed", "3", "--rate", "100") as sim:
        c = KalshiClient(sim)
        c.read_until(lambda: c.snapshots == 1 and c.seq > 20)
        sim.fault(fault="skip", stream=stream, count=3)
        c.read_until(lambda: c.gaps)
        c.read_until(lambda: c.seq > c.gaps[-1][1] + 5)
        lost, = blind(sim, stream)
        assert sum(b - a + 1 for a, b in c.gaps) == lost["frames"] == 3, (c.gaps, lost)
        assert lost["from_wall"] <= lost["to_wall"] and lost["from_wall"] > 1600000000 * 10**9
        sim.fault(fault="no_seq", stream=stream)
        c.read_until(lambda: c.unnumbered == 1)
        sim.fault(fault="wrong_snapshot", variant="no_seq", symbol=c.ticker)
        c.ws.send_json({"id": 6, "cmd": "update_subscription",
                        "params": {"sids": [1], "action": "get_snapshot", "market_tickers": [c.ticker]}})
        c.read_until(lambda: c.unnumbered == 2)
        sim.fault(fault="refuse_subscribe")
        c.notices = []
        c.ws.send_json({"id": 7, "cmd": "subscribe", "params": {"channels": ["trade"], "market_tickers": [c.ticker]}})
        c.read_until(lambda: any(n["type"] == "error" for n in c.notices))
        sim.fault(fault="overflow", stream=stream)
        c.notices = []
        c.read_until(lambda: any(n["type"] == "error" and n["msg"]["code"] == 25 for n in c.notices))
        sids = kalshi_subscribe(c.ws, ["orderbook_delta"], [c.ticker], n=8)
        assert sids["orderbook_delta"] > 1, "a subscription that died is a new one"
        assert c.ws.recv()["type"] == "orderbook_snapshot"
        sim.fault(fault="status", status=429)
        assert sim.get("/trade-api/v2/markets").status == 429


# ---- Polymarket ----

def polymarket_frames(client, quiet=2):
    """Every frame as a list of objects; an empty text is an empty list."""
    client.sock.settimeout(quiet)
    try:
        while True:
            text = client.recv_bytes()
            if text == b"PONG":
                continue
            value = json.loads(text) if text else []
            yield value if isinstance(value, list) else [value]
    except (Closed, TimeoutError):
        return


def polymarket_recorded():
    """Who comes late gets the books as they stand, each with the hash that the venue itself gave the last change."""
    files = capture("polymarket/polymarket_ws.jsonl")
    with open(files) as f:
        market = json.loads(f.readline())[0]["market"]
    with Simulator("--venue", "POLYMARKET", "--capture", files, "--speed", "max") as sim:
        listed, = sim.get("/markets?closed=false&active=true&order=id&ascending=false&limit=100&offset=0").json()
        tokens = json.loads(listed["clobTokenIds"])
        assert listed["conditionId"] == market and len(tokens) == 2, listed
        ws = sim.ws("/ws/market")
        ws.send("PING")
        assert ws.recv_bytes() == b"PONG"
        ws.send_json({"assets_ids": tokens, "type": "market", "custom_feature_enabled": True})
        frames = list(polymarket_frames(ws))
        assert [o["event_type"] for o in frames[0]] == ["book", "book"] and [] in frames
        last, n = {}, {}
        for o in (o for f in frames for o in f):
            n[o["event_type"]] = n.get(o["event_type"], 0) + 1
            for change in o.get("price_changes", [o] if o["event_type"] == "book" else []):
                last[change["asset_id"]] = change["hash"]
        assert n == {"book": 6, "price_change": 57, "last_trade_price": 2}, n
        late = sim.ws("/ws/market")
        late.send_json({"assets_ids": tokens, "type": "market"})
        books = late.recv()
        assert {b["asset_id"]: b["hash"] for b in books} == last, "the venue's own hashes"
        for b in books:
            rest = sim.get("/book?token_id=" + b["asset_id"]).json()
            assert (rest["hash"], rest["bids"], rest["asks"]) == (b["hash"], b["bids"], b["asks"])
            bid, ask = float(b["bids"][-1]["price"]), float(b["asks"][-1]["price"])
            assert bid < ask and abs(float(sim.get("/midpoint?token_id=" + b["asset_id"]).json()["mid"]) - (bid + ask) / 2) < 1e-9
            assert float(b["bids"][0]["price"]) < bid and float(b["asks"][0]["price"]) > ask, "the best is last"
        print("polymarket: %s; late books carry the recorded hashes" % n)
        sim.fault(fault="wrong_snapshot", variant="wrong_hash", symbol=tokens[0])
        other = sim.ws("/ws/market")
        other.send_json({"operation": "subscribe", "assets_ids": tokens})
        assert [b["hash"] == last[b["asset_id"]] for b in other.recv()].count(False) == 1
        sim.fault(fault="refuse_subscribe")
        other.send_json({"operation": "subscribe", "assets_ids": tokens})
        assert other.recv_bytes() == b"INVALID OPERATION"


def polymarket_misbehaving():
    files = capture("polymarket/polymarket_ws.jsonl")
    with Simulator("--venue", "POLYMARKET", "--capture", files, "--speed", "max", "--faults",
                   "wrong_hash@10,skip@20*2,duplicate@30,hostile@40=exponent") as sim:
        listed, = sim.get("/markets").json()
        ws = sim.ws("/ws/market")
        ws.send_json({"assets_ids": json.loads(listed["clobTokenIds"]), "type": "market"})
        sent = sum(1 for _ in polymarket_frames(ws))
        truth = sim.truth()
        frames = sum(s["frames"] for s in truth["streams"].values())
        skipped = sum(b["frames"] for b in truth["blind"] if b["why"] == "skipped")
        corrupted = sum(b["frames"] for b in truth["blind"] if b["why"] == "corrupted")
        assert (frames, skipped, corrupted) == (65, 2, 2), truth
        assert sent == frames - skipped + 1, (sent, frames)


def polymarket_catalogue():
    files, info = capture("polymarket/polymarket_ws.jsonl"), capture("polymarket/BTC-5m-markets-2026-07-24.jsonl.gz")
    with Simulator("--venue", "POLYMARKET", "--capture", files, "--exchange-info", info) as sim:
        ids = set()
        for offset in range(0, 400, 100):
            page = sim.get("/markets?closed=true&limit=100&offset=%d" % offset).json()
            ids |= {m["conditionId"] for m in page}
        assert len(ids) >= 280 and page == [] or len(page) < 100, len(ids)
        one = sim.get("/markets?closed=true&limit=1&offset=7").json()[0]
        token = json.loads(one["clobTokenIds"])[1]
        again, = sim.get("/markets?clob_token_ids=" + token).json()
        assert again["conditionId"] == one["conditionId"]


def main():
    usdm_recorded(capture("binance/rest/BINANCE_FUTURES.jsonl.zst"), ["SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"])
    if LONG:
        usdm_recorded(capture("binance/usdm/btcusdt_20240808.gz"), ["BTCUSDT"])
    usdm_talk()
    bybit_recorded()
    bybit_talk()
    bybit_misbehaving()
    kalshi_recorded()
    with tempfile.TemporaryDirectory() as folder:
        kalshi_signed(folder)
    kalshi_talk()
    kalshi_misbehaving()
    polymarket_recorded()
    polymarket_misbehaving()
    polymarket_catalogue()
    print("ok")


main()
