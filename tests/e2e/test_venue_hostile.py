"""Venues that send what no honest one would, frames and replies: nothing of it becomes market data, and the book comes back.

Every venue is attacked in its own protocol, all side by side: most of the time is the ten seconds after which a reply
that drips is given up.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from feeds import FIELDS, TRUSTED, Feed, capture, compare, kalshi_key, levels, polymarket_tokens
from records import market_log, unpack
from stack import CAPTURES

FRAMES = ("deep", "exponent", "negative", "overflow", "symbol", "levels")
REPLIES = ("redirect", "headers", "chunks", "garbage", "cut", "drip")
RECORDED = "polymarket/polymarket_ws.jsonl"  # no market of Polymarket's is generated
INSTRUMENT, TRADE, BOOKS = 0x0100, 0x0101, (0x0102, 0x0103)


@dataclass
class Venue:
    name: str
    symbol: str
    depth: str  # streams of the simulator
    trade: str
    info: str  # where its instruments are described
    prices: tuple  # of its market, between these
    snapshot: str = ""  # where a book is asked for, if not on the stream
    one_level: bool = False  # its updates have one level each, and no list of them
    replies: tuple = ()


GENERATED = (
    Venue("BINANCE", "BTCUSDT", "btcusdt@depth@100ms", "btcusdt@trade", "/api/v3/exchangeInfo", (30000, 120000),
          snapshot="/api/v3/depth", replies=REPLIES),
    Venue("BINANCE-PERP", "BTCUSDT", "btcusdt@depth@100ms", "btcusdt@aggTrade", "/fapi/v1/exchangeInfo", (30000, 120000),
          snapshot="/fapi/v1/depth", replies=("garbage", "cut")),
    Venue("BYBIT", "BTCUSDT", "orderbook.200.BTCUSDT", "publicTrade.BTCUSDT", "/v5/market/instruments-info", (30000, 120000)),
    Venue("BYBIT-PERP", "BTCUSDT", "orderbook.200.BTCUSDT", "publicTrade.BTCUSDT", "/v5/market/instruments-info",
          (30000, 120000)),
    Venue("KALSHI", "KXGOLD-A", "orderbook_delta/KXGOLD-A", "trade/KXGOLD-A", "/trade-api/v2/markets", (0, 1),
          one_level=True),
)


def struck(s):
    return sum(f["struck"] for f in s.get("/nightjar/truth")["faults"])


def trusted_again(s, what):
    applied = s.metric("depth_applied")
    s.until("a book after " + what, lambda: s.metric("depth_applied") > applied + 3)


def strike_frames(s, venue):
    for variant in FRAMES:
        for stream in (venue.depth, venue.trade):
            if variant == "levels" and (stream == venue.trade or venue.one_level):
                continue
            before = struck(s)
            s.fault(fault="hostile", variant=variant, stream=stream)
            s.until("the fault", lambda: struck(s) > before)
            trusted_again(s, variant + " on " + stream)


def strike_replies(s, venue):
    """A skipped update makes the collector ask for a snapshot; the first answer is no answer."""
    for variant in venue.replies:
        failed = s.metric("replies_failed")
        s.fault(fault="http", variant=variant, stream=venue.snapshot)
        s.fault(fault="skip", stream=venue.depth)
        s.until("a failed reply: " + variant, lambda: s.metric("replies_failed") > failed)
        trusted_again(s, variant)


def check_log(s, venue):
    """Prices and quantities of everything that was published are those of this market."""
    n, described, (low, high) = 0, 0, venue.prices
    for body in market_log(s.path("data", "collector", "mlog")):
        at = 0
        while at < len(body):
            ev, at = unpack(body, at)
            if ev[0] == INSTRUMENT:
                described += 1
            if ev[0] == TRADE:
                pairs = [(ev[FIELDS + 3], ev[FIELDS + 4])]
            elif ev[0] in BOOKS:
                pairs = [p for side in ev[-2:] for p in zip(side[::2], side[1::2])]
            else:
                continue
            assert ev[FIELDS].startswith(venue.symbol), ev[FIELDS]
            for price, qty in pairs:
                n += 1
                assert low < price / 10 ** ev[FIELDS + 1] < high and 0 <= qty / 10 ** ev[FIELDS + 2] < 10**6, ev
    assert n > 300 and described == 1, (n, described)
    return n


def signed(s):
    s.extra += ["collector.key_file=" + kalshi_key(s.dir)[0]]
    return {"NIGHTJAR_COLLECTOR__KEY_ID": "11111111-2222-3333-4444-555555555555"}


def attacked(venue):
    sim = ("--symbols", venue.symbol, "--rate", "200", "--seed", "9", "--faults", "http@0:%s=garbage" % venue.info)
    with Feed(venue.name, [venue.symbol], speed="1", sim_args=sim) as s:
        s.start(signed(s) if venue.name == "KALSHI" else ())
        s.until("a book", lambda: s.metric("depth_applied") > 3)
        s.until("a description that is none", lambda: s.metric("replies_failed") > 0)
        strike_frames(s, venue)
        strike_replies(s, venue)
        malformed = s.metric("malformed") + s.metric("unknown")
        assert malformed >= 5, malformed
        s.results()
        print("%s: %d prices, all of this market; %d frames refused" % (venue.name, check_log(s, venue), malformed))


def keyless():
    """Kalshi without a key, where there is nothing but replies: books and trades come again after each that is none."""
    venue = Venue("KALSHI", "KXGOLD-A", "", "", "", (0, 1))
    sim = ("--symbols", venue.symbol, "--rate", "200", "--seed", "9")
    with Feed(venue.name, [venue.symbol], speed="1", sim_args=sim) as s:
        s.extra += ["collector.poll=1s", "collector.stream_url="]
        s.start()
        paths = {"snapshots": "/trade-api/v2/markets/%s/orderbook" % venue.symbol, "trades": "/trade-api/v2/markets/trades"}
        for metric, variant in [(m, v) for v in REPLIES if v not in ("redirect", "drip") for m in paths]:
            failed = s.metric("replies_failed")
            s.fault(fault="http", variant=variant, stream=paths[metric])
            s.until("a failed reply: " + variant, lambda: s.metric("replies_failed") > failed)
            before = s.metric(metric)
            s.until("%s after %s" % (metric, variant), lambda: s.metric(metric) > before)
        s.results()
        print("KALSHI without a key: %d prices, all of this market" % check_log(s, venue))


def polymarket():
    """A recording, for its books have hashes: in the end they are what the simulator has, whatever was struck between."""
    files = capture(RECORDED)
    symbols = polymarket_tokens(files)
    faults = ",".join("hostile@%d=%s" % (8 * (i + 1), v) for i, v in enumerate(FRAMES))
    with Feed("POLYMARKET", symbols, files, speed="20", sim_args=("--start-at", "3", "--faults", faults)) as s:
        s.start()
        s.until_played()
        hit, refused = struck(s), s.metric("malformed") + s.metric("unknown")
        golden = {n: s.get("/book?token_id=" + n) for n in symbols}
        books, states, _ = s.results()
        assert hit == len(FRAMES) and refused >= 4, (hit, refused)
        for n in symbols:
            id, = [k for k in books if k.startswith(n)]
            bids, asks = (levels((r["price"], r["size"]) for r in golden[n][side]) for side in ("bids", "asks"))
            assert states[id][-1] == TRUSTED, (id, states[id])
            compare(books[id], bids, asks, 100)
        print("POLYMARKET: %d books equal after %d hostile frames, %d refused" % (len(symbols), hit, refused))


def main():
    attacks = [(attacked, venue) for venue in GENERATED] + [(keyless,)]
    if os.path.exists(os.path.join(CAPTURES, RECORDED)):
        attacks.append((polymarket,))
    else:
        print("POLYMARKET: left out, no recorded data in %s" % CAPTURES)
    with ThreadPoolExecutor(len(attacks)) as pool:
        for done in [pool.submit(*attack) for attack in attacks]:
            done.result()
    print("ok")


main()
