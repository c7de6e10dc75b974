"""A venue that sends what no honest venue would, frames and replies: nothing of it becomes market data, and the book comes back."""

from concurrent.futures import ThreadPoolExecutor

from feeds import FIELDS, Feed
from records import market_log, unpack

FRAMES = ("deep", "exponent", "negative", "overflow", "symbol", "levels")
REPLIES = ("redirect", "headers", "chunks", "garbage", "cut", "drip")
TRADE, BOOKS = 0x0101, (0x0102, 0x0103)


def trusted_again(s, what):
    applied = s.metric("depth_applied")
    s.until("a book after " + what, lambda: s.metric("depth_applied") > applied + 3)


def strike_frames(s, depth, trade):
    for variant in FRAMES:
        for stream in (depth, trade):
            if variant == "levels" and stream == trade:
                continue  # a trade has none
            struck = sum(f["struck"] for f in s.get("/nightjar/truth")["faults"])
            s.fault(fault="hostile", variant=variant, stream=stream)
            s.until("the fault", lambda: sum(f["struck"] for f in s.get("/nightjar/truth")["faults"]) > struck)
            trusted_again(s, variant + " on " + stream)


def strike_replies(s, depth):
    """A skipped update makes the collector ask for a snapshot; the first answer is no answer."""
    for variant in REPLIES:
        failed = s.metric("replies_failed")
        s.fault(fault="http", variant=variant, stream="/api/v3/depth")
        s.fault(fault="skip", stream=depth)
        s.until("a failed reply: " + variant, lambda: s.metric("replies_failed") > failed)
        trusted_again(s, variant)


def check_log(s, low, high):
    """Prices and quantities of everything that was published are those of this market."""
    n = 0
    for body in market_log(s.path("data", "collector", "mlog")):
        at = 0
        while at < len(body):
            ev, at = unpack(body, at)
            if ev[0] == TRADE:
                pairs = [(ev[FIELDS + 3], ev[FIELDS + 4])]
            elif ev[0] in BOOKS:
                pairs = [p for side in ev[-2:] for p in zip(side[::2], side[1::2])]
            else:
                continue
            assert ev[FIELDS].startswith("BTCUSDT"), ev[FIELDS]
            for price, qty in pairs:
                n += 1
                assert low < price / 10 ** ev[FIELDS + 1] < high and 0 <= qty / 10 ** ev[FIELDS + 2] < 10**6, ev
    assert n > 1000, n
    return n


def attacked(venue, depth, trade, replies=False):
    with Feed(venue, ["BTCUSDT"], speed="1", sim_args=("--symbols", "BTCUSDT", "--rate", "200", "--seed", "9")) as s:
        s.start()
        s.until("a book", lambda: s.metric("depth_applied") > 3)
        strike_frames(s, depth, trade)
        if replies:
            strike_replies(s, depth)
        malformed = s.metric("malformed") + s.metric("unknown")
        assert malformed >= 5, malformed
        s.results()
        print("%s: %d prices, all of this market; %d frames refused" % (venue, check_log(s, 30000, 120000), malformed))


def main():
    """Both at once: most of the time is the ten seconds after which a reply that drips is given up."""
    with ThreadPoolExecutor() as pool:
        for done in (pool.submit(attacked, "BINANCE", "btcusdt@depth@100ms", "btcusdt@trade", replies=True),
                     pool.submit(attacked, "BYBIT-PERP", "orderbook.200.BTCUSDT", "publicTrade.BTCUSDT")):
            done.result()
    print("ok")


main()
