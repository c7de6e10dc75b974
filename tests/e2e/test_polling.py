"""Instruments fed by REST candles alone, and numbers from elsewhere: due times on record, waiting that is healthy, one
instrument's failure that is nobody else's, a server that dies and comes back. Candles of Kalshi and prices of Polymarket.
Books and trades of Kalshi without a key: each trade once, over a restart, too."""
import http.server
import json
import signal
import threading
import time
from urllib.parse import parse_qs, urlparse

from records import market_log, unpack
from stack import Stack

HOUR, MINUTE, SECOND, MS = 3600 * 10**9, 60 * 10**9, 10**9, 10**6
TRADE, CANDLE, MARK, DUE, REFERENCE, BACKFILL = 0x0101, 0x0105, 0x010A, 0x010C, 0x010D, 0x0130
EVENT_AT, STAMP, FIELDS = 6, 7, 9
NAMES = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
IDLE, ALONE, KALSHI, TOKEN = "DDDUSDT", "EEEUSDT", "KXTEST-1", "1234567890"
GOOD, MISSING, BROKEN, EMPTY = range(4)


class Venue(http.server.BaseHTTPRequestHandler):
    """Candles of Binance's form up to the open one, or what `ways` says of an instrument."""
    ways = {}

    def log_message(self, *_):
        pass

    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urlparse(self.path)
        q = {k: v[0] for k, v in parse_qs(url.query).items()}
        if url.path.startswith("/trade-api/"):
            return self.say(200, json.dumps(kalshi(url.path, q)).encode())
        if url.path == "/prices-history":
            return self.say(200, json.dumps({"history": prices(q)}).encode())
        if url.path == "/markets":
            return self.say(200, b"[]")
        if url.path.endswith("/time"):
            return self.say(200, b'{"serverTime":%d}' % (time.time_ns() // MS))
        if url.path.endswith("exchangeInfo"):
            return self.say(200, json.dumps({"symbols": [described(n) for n in NAMES + (IDLE, ALONE)]}).encode())
        if not url.path.endswith("/klines"):
            return self.say(200, b'{"temperature":[{"now":21.5}]}')
        way = self.ways.get(q["symbol"], GOOD)
        if way == MISSING:
            return self.say(404, b'{"code":-1121,"msg":"Invalid symbol."}')
        if way == BROKEN:
            return self.say(200, b'[[1,"one"],\xff')
        return self.say(200, json.dumps(candles(q) if way == GOOD else []).encode())


def described(name):
    filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.01"}, {"filterType": "LOT_SIZE", "stepSize": "0.001"}]
    return {"symbol": name, "status": "TRADING", "baseAsset": name[:3], "quoteAsset": "USDT", "filters": filters}


def kalshi(path, q):
    """A market that trades once every 200 ms."""
    if path.endswith("/orderbook"):
        return {"orderbook_fp": {"yes_dollars": [["0.4000", "10.00"]], "no_dollars": [["0.5500", "3.00"]]}}
    if path.endswith("/markets"):
        return {"markets": [{"ticker": KALSHI, "status": "active", "price_ranges": [{"start": "0", "end": "1", "step": "0.01"}]}]}
    if path.endswith("/candlesticks"):
        return {"markets": [{"market_ticker": n, "candlesticks": minutes(q)} for n in q["market_tickers"].split(",")]}
    if not path.endswith("/markets/trades"):
        return {"exchange_active": True}
    last = time.time_ns() // (200 * MS)
    first = max(last - int(q["limit"]) + 1, int(q.get("min_ts", 0)) * 5)
    return {"cursor": "", "trades": [kalshi_trade(n) for n in range(last, first - 1, -1)]}


def kalshi_trade(n):
    at = "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(n // 5)), n % 5 * 200)
    return {"trade_id": "00000000-0000-4000-8000-%012d" % n, "ticker": KALSHI, "yes_price_dollars": "0.4100", "count_fp": "1.00",
            "taker_side": "yes", "created_time": at}


def has_traded(minute):
    return minute % 5 != 0


def minutes(q):
    """Of Kalshi, by their ends: one in five without a trade, and so without prices."""
    rows = []
    for end in range(-(-int(q["start_ts"]) // 60) * 60, min(int(q["end_ts"]), int(time.time())) + 1, 60):
        quiet = not has_traded(end // 60 - 1)
        price = dict.fromkeys(("open_dollars", "high_dollars", "low_dollars", "close_dollars"), None if quiet else "0.4100")
        rows.append({"end_period_ts": end, "price": price, "volume_fp": "0.00" if quiet else "7.00"})
    return rows


def prices(q):
    """Of Polymarket: a point each minute, six seconds behind it."""
    first = -(-(int(q["startTs"]) - 6) // 60) * 60 + 6
    return [{"t": t, "p": t // 60 % 100 / 100} for t in range(first, min(int(q["endTs"]), int(time.time())) + 1, 60)]


def candles(q):
    step = {"1s": 1000, "1h": 3600000}[q["interval"]]
    last, limit = time.time_ns() // MS // step * step, int(q["limit"])
    first = -(-int(q["startTime"]) // step) * step if "startTime" in q else last - (limit - 1) * step
    opens = list(range(first, last + 1, step))[:limit]
    return [[at, "1.00", "2.00", "1.00", "1.50", "3.000", at + step - 1, "4.5", 6, "0", "0", "0"] for at in opens]


class Server:
    """On loopback; the second start takes the first one's port."""

    def __init__(self):
        self.port = 0
        self.start()

    def start(self):
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Venue)
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


class Polled(Stack):
    """A collector, nobody else."""

    def __init__(self, venue, symbols, interval, more=()):
        super().__init__("polling", pace="live")
        self.port, self.symbols, self.interval, self.more = venue.port, symbols, interval, list(more)

    def write_settings(self):
        base = "http://127.0.0.1:%d" % self.port
        lines = ["bus", '    dir = "%s"' % self.path("bus"), "run", '    data = "%s"' % self.path("data"), '    pace = "live"',
                 '    origin = "simulated"', '    run_id = "e2e"', "collector", '    symbols = "%s"' % ",".join(self.symbols),
                 '    candles_only = "true"', '    kline_interval = "%s"' % self.interval, '    klines = "5"',
                 '    rest_url = "%s"' % base, '    stream_url = "%s"' % base.replace("http", "ws")] + self.more
        with open(self.path("nightjar.conf"), "w") as f:
            f.write("\n".join(lines) + "\n")

    def start(self):
        self.write_settings()
        self.start_service("collector")
        return self

    def told(self, event, name, when=STAMP):
        """All there is of one kind about one instrument or number: (when, fields)."""
        seen = []
        for body in market_log(self.path("data", "collector", "mlog")):
            at = 0
            while at < len(body):
                ev, at = unpack(body, at)
                if ev[0] == event and ev[FIELDS].split(".")[0] == name:
                    seen.append((ev[when], ev[FIELDS + 1:]))
        return seen

    def due(self, name):
        """As dicts, in the order of events."""
        keys = ("interval", "due_at", "answered_at", "candle_at", "failures", "reason")
        return [dict(zip(keys, fields), at=at) for at, fields in self.told(DUE, name)]

    def row(self):
        return json.loads(self.nj("status", "collector", "--json").stdout)[0]

    def connection(self):
        """What nj doctor thinks of it."""
        checks = json.loads(self.nj("doctor", "connection", "--json").stdout)["checks"]
        verdict, = [c["verdict"] for c in checks if c["name"] == "connection"]
        return verdict

    def is_well(self):
        row = self.row()
        assert row["well"] and row["state"] == "running" and row["note"] == "polling", row
        return row

    def end(self):
        assert self.kill("collector", signal.SIGTERM) == 0, self.log("collector")[-2000:]


class Keyless(Polled):
    """Kalshi's market data without a key."""

    def __init__(self, venue):
        super().__init__(venue, (KALSHI,), "")

    def write_settings(self):
        lines = ["bus", '    dir = "%s"' % self.path("bus"), "run", '    data = "%s"' % self.path("data"), '    pace = "live"',
                 '    origin = "simulated"', '    run_id = "e2e"', "collector", '    venue = "KALSHI"', '    symbols = "%s"' % KALSHI,
                 '    streams = "depth,trade"', '    poll = "1s"', '    rest_url = "http://127.0.0.1:%d"' % self.port]
        with open(self.path("nightjar.conf"), "w") as f:
            f.write("\n".join(lines) + "\n")

    def trades(self, *kinds):
        """Numbers of the venue's trades, as told."""
        numbers = []
        for body in market_log(self.path("data", "collector", "mlog")):
            at = 0
            while at < len(body):
                ev, at = unpack(body, at)
                if ev[0] in kinds and ev[FIELDS].split(".")[0] == KALSHI:
                    numbers.append(ev[EVENT_AT] // (200 * MS))
        return numbers


def keyless(s):
    """Each trade once, in the venue's order; those of the time between two lives as what was missed."""
    s.until("polled trades", lambda: len(s.trades(TRADE)) > 10)
    s.until("candles of them", lambda: s.told(CANDLE, KALSHI))
    s.end()
    ended = s.trades(TRADE)[-1]
    time.sleep(1)
    s.start_service("collector")
    s.until("trades of the second life", lambda: s.trades(TRADE)[-1] > ended)
    live, missed = s.trades(TRADE), s.trades(BACKFILL)
    every = sorted(live + missed)
    assert live == sorted(live) and every == list(range(every[0], every[-1] + 1)), (live, missed)
    assert missed and min(missed) > ended, (ended, missed)
    assert s.row()["well"], s.row()


def opens(s, name):
    return [fields[4] for _, fields in s.told(CANDLE, name)]


def check_retries(due, reason, delays):
    """The first ones of a row of failures, each later by what its number says."""
    rows = [d for d in due if d["reason"] == reason][:len(delays)]
    assert [round((d["due_at"] - d["at"]) / MS) for d in rows] == [n * 1000 for n in delays], rows
    return rows


def one_in_trouble(s, ways):
    """BBB is not there, CCC is unreadable: AAA has every second's candle, and each of them when it is answered again."""
    s.until("AAA to be on time", lambda: any(d["reason"] == "on time" for d in s.due("AAAUSDT")))
    s.until("CCC to fail twice", lambda: any(d["failures"] == 2 for d in s.due("CCCUSDT")))
    ways["CCCUSDT"] = GOOD
    s.until("BBB to fail three times", lambda: any(d["failures"] == 3 for d in s.due("BBBUSDT")))
    failed = check_retries(s.due("BBBUSDT"), "no answer", (1, 2, 4))
    assert [d["failures"] for d in failed] == [1, 2, 3] and not opens(s, "BBBUSDT"), failed
    s.is_well()
    s.until("AAA to go on after that", lambda: opens(s, "AAAUSDT")[-1] > failed[-1]["at"])
    s.until("CCC's candles", lambda: len(opens(s, "CCCUSDT")) > 5)
    ways["BBBUSDT"] = GOOD
    s.until("BBB's candles", lambda: len(opens(s, "BBBUSDT")) > 1)
    for name in NAMES:
        seconds = opens(s, name)
        assert seconds == list(range(seconds[0], seconds[-1] + SECOND, SECOND)), (name, seconds)
        assert all(d["interval"] == "1s" and d["due_at"] > d["at"] - MS for d in s.due(name)), s.due(name)
    assert s.due("AAAUSDT")[-1]["failures"] == 0 and "rule=feed_lost" not in s.log("collector")


def waiting(s):
    """Hours without work are what this one expects, with candles or without; it says when the work is due."""
    s.until("the next hour to be awaited", lambda: s.due("AAAUSDT") and s.due("AAAUSDT")[-1]["reason"] == "on time")
    s.until("nobody to have traded", lambda: s.due(IDLE)[-1]["reason"] == "idle")
    check_retries(s.due(IDLE), "no candle yet", (1, 2, 4))
    for last in (s.due("AAAUSDT")[-1], s.due(IDLE)[-1]):
        assert last["due_at"] % HOUR == 2 * SECOND and 0 < last["due_at"] - last["at"] <= HOUR + 2 * SECOND, last
        assert last["failures"] == 0, last
    row = s.is_well()
    assert s.connection() == "ok", "sockets are missed that requests never keep"
    assert row["silence_max_ns"] > HOUR and "ALERT" not in s.log("collector"), row


def kalshis(s):
    """The minutes in which somebody traded, with the venue's values."""
    s.until("Kalshi's minutes", lambda: len(opens(s, KALSHI)) >= 3)
    seen = opens(s, KALSHI)
    assert seen == [m for m in range(seen[0], seen[-1] + MINUTE, MINUTE) if has_traded(m // MINUTE)], seen
    for _, fields in s.told(CANDLE, KALSHI):
        prices, qtys = 10 ** fields[1], 10 ** fields[2]
        assert fields[0] == "1m" and [p / prices for p in fields[5:9]] == [0.41] * 4 and fields[9] / qtys == 7, fields
    s.until("what is due", lambda: s.due(KALSHI))
    assert all(d["interval"] == "1m" and d["failures"] == 0 for d in s.due(KALSHI)), s.due(KALSHI)
    s.is_well()


def polymarkets(s):
    """Its prices, each by its own time; no candle is made of them."""
    s.until("prices", lambda: len(s.told(MARK, TOKEN)) >= 3)
    seen = [(at // SECOND, fields[2] / 10 ** fields[0]) for at, fields in s.told(MARK, TOKEN, EVENT_AT)]
    assert seen == [(t, t // 60 % 100 / 100) for t in range(seen[0][0], seen[-1][0] + 60, 60)] and seen[0][0] % 60 == 6, seen
    assert s.due(TOKEN)[-1]["interval"] == "1m" and not s.told(CANDLE, TOKEN), s.due(TOKEN)
    s.is_well()


def numbers(s, name):
    return [fields for _, fields in s.told(REFERENCE, name)]


def unanswered(s, ways):
    """Where nobody is answered the service is not well, and says why."""
    s.until("it to complain", lambda: s.row()["note"] == "no answer")
    assert not s.row()["well"] and s.connection() == "warn" and "rule=feed_lost" in s.log("collector")
    ways[ALONE] = GOOD


def answered(s):
    s.until("it to be well again", lambda: s.row()["well"])
    s.is_well()
    s.until("candles", lambda: opens(s, ALONE))


def stale_and_back(s):
    """Told once as stale, with its last value, and as good again; what is asked of another server is not touched."""
    s.until("it to come back", lambda: not numbers(s, "warm")[-1][3])
    warm = numbers(s, "warm")
    stale = [n for n in warm if n[3]]
    assert len(stale) == 1 and all(n[:2] == [8, 2150000000] for n in warm), warm
    assert warm[0][2] <= stale[0][2] < warm[-1][2], warm
    assert "name=warm failures=1 " in s.log("collector") and "name=steady" not in s.log("collector")
    assert not any(n[3] for n in numbers(s, "steady"))


def main():
    Venue.ways.update({"BBBUSDT": MISSING, "CCCUSDT": BROKEN, IDLE: EMPTY, ALONE: MISSING})
    venue, elsewhere = Server(), Server()
    url = "http://127.0.0.1:%d/now#/temperature/0/now"
    more = ['    candles_delay = "100ms"', '    reference_every = "5s"', '    reference_stale = "10s"',
            '    references = "warm=%s steady=%s"' % (url % elsewhere.port, url % venue.port)]
    every = Polled(venue, NAMES, "1s", more), Polled(venue, (ALONE,), "1s"), Polled(venue, (NAMES[0], IDLE), "1h")
    bets = (Polled(venue, (KALSHI,), "1m", ['    venue = "KALSHI"']),
            Polled(venue, (TOKEN,), "1m", ['    venue = "POLYMARKET"']))
    with every[0] as quick, every[1] as alone, every[2] as slow, Keyless(venue) as kalshi_feed, bets[0], bets[1]:
        for s in every + bets + (kalshi_feed,):
            s.start()
        quick.until("both numbers", lambda: numbers(quick, "warm") and numbers(quick, "steady"))
        elsewhere.stop()
        one_in_trouble(quick, Venue.ways)
        unanswered(alone, Venue.ways)
        quick.until("a number to be stale", lambda: numbers(quick, "warm")[-1][3])
        elsewhere.start()
        waiting(slow)
        answered(alone)
        kalshis(bets[0])
        polymarkets(bets[1])
        keyless(kalshi_feed)
        stale_and_back(quick)
        for s in every + bets:
            s.is_well()
        for s in every + bets + (kalshi_feed,):
            s.end()
    print("ok")


main()
