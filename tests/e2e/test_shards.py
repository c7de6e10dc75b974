"""Several collectors in one stack: shares of one venue's symbols, another venue beside them, and what dies dies alone.

lockstep: a market over one collector and over two gives the same ledger to the byte, also when one of the two is killed.
live: two shares and a second venue; one share is killed: the others trade on, its own symbols are not traded and get the
gaps, and it comes back.
"""
import os
import sqlite3
import sys

import stack
from records import candles, holes, ledger_bodies, result, unpack
from stack import BIN, Stack, wait_for

OTHERS = ("persister", "executor", "strategy")
SHARE = {"collector-1": "BTCUSDT", "collector-2": "ETHUSDT"}  # where the rule of collectors.h has them
EXECUTOR, STRATEGY = "executor", "strategy"
START = 1700000000 * 10**9
END = START + 45 * 10**9  # of the generated market and the time that is played after it
TS_EVENT, FILL, FILL_INSTRUMENT, GAP, PARITY = 6, 0x0302, 13, 0x0006, 0x0007


class Shards(Stack):
    """A stack of the collectors that run.collectors names, each started by its name."""

    def __init__(self, name, collectors, names, settings=(), **kw):
        self.names = names
        seats = ["strategy.seats=btc,eth"]
        for seat, symbol in (("btc", "BTCUSDT.BINANCE"), ("eth", "ETHUSDT.BINANCE")):
            seats += ["strategy.%s.%s" % (seat, s) for s in ("strategy=ema_cross", "instrument=" + symbol, "interval=1s", "fast=1", "slow=2",
                                                             "qty=0.01")]
        common = ["run.collectors=" + collectors, "collector.symbols=BTCUSDT,ETHUSDT", "executor.balances=USDT=100000"]
        super().__init__(name, origin="simulated", settings=common + seats + list(settings), **kw)
        stack.SERVICES = OTHERS + tuple(names)

    def start_collector(self, name):
        argv = [os.path.join(BIN, "nightjar-collector"), "--config", self.path("nightjar.conf"), "--name", name]
        for setting in self.extra:
            argv += ["--set", setting]
        self.spawn(name, argv)

    def start(self):
        self.start_venue()
        self.write_settings()
        for name in OTHERS:
            self.start_service(name)
        for name in self.names:
            self.start_collector(name)

    def query(self, sql, *args):
        db = sqlite3.connect("file:%s?mode=ro" % self.database, uri=True, timeout=10)
        try:
            return db.execute(sql, args).fetchall()
        finally:
            db.close()

    def stored(self):
        """Everybody's lane X is in the database."""
        return all(stack.stored(self.database, name) == (self.status(name) or {}).get("x_last", -1) for name in stack.SERVICES)


# ---- the same ledger ----

def results(database, publisher):
    """What a publisher decided, without epochs, times of sending, and the name of the collector that was the cause."""
    out = []
    for name, _, body in ledger_bodies(database):
        if name != publisher or unpack(body)[0][TS_EVENT] == 0:
            continue
        fields = unpack(result(body))[0]
        out.append([str(f).split("-")[0] if isinstance(f, str) and f.startswith("collector") else f for f in fields])
    return out


def replayed(name, collectors, names, speed="max", killed=None):
    sim = ["--symbols", "BTCUSDT,ETHUSDT", "--seed", "5", "--rate", "60", "--start", str(START), "--duration", "40", "--start-at", "8"]
    # A candle that no trade closes is told by the next frame that its process gets, of whichever symbol: here all are closed by trades.
    with Shards(name, collectors, names, ["collector.candle_grace=30s"], sim_args=sim, speed=speed) as s:
        s.start()
        if killed:
            s.until("the first half", lambda: (s.status(STRATEGY) or {}).get("handled", 0) > START + 12 * 10**9)
            s.kill(killed)
            s.start_collector(killed)
        s.until("the end", lambda: all("end of the recording" in s.log(n) for n in names)
                and all((s.status(n) or {}).get("handled", 0) >= END for n in (STRATEGY, EXECUTOR)) and s.stored())
        assert not holes(s.database), holes(s.database)
        kinds = [unpack(body)[0][0] for _, _, body in ledger_bodies(s.database)]
        assert GAP not in kinds and PARITY not in kinds, "a gap or a parity exception in lockstep"
        return results(s.database, EXECUTOR), results(s.database, STRATEGY), candles(s.database)


def the_same_ledger():
    one = replayed("one", "collector", ["collector"])
    two = replayed("two", "collector/2", list(SHARE), speed="10", killed="collector-2")
    traded = {row[FILL_INSTRUMENT] for row in one[0] if row[0] == FILL}
    assert traded == {"BTCUSDT.BINANCE", "ETHUSDT.BINANCE"}, "too little was traded to tell: %s" % traded
    for a, b, what in zip(one, two, ("executor", "strategy", "candles")):
        assert len(a) == len(b), (what, len(a), len(b))
        for x, y in zip(a, b):
            assert x == y, "%s:\n  %s\n  %s" % (what, x, y)
        print("%s: %d records, the same over one collector and over two, one of them killed" % (what, len(a)))


# ---- what dies dies alone ----

def frames(s, name):
    return (s.status(name) or {}).get("collector_frames_total", 0)


def fills(s, instrument):
    try:
        return s.query("SELECT count(*) FROM fills WHERE instrument = ?", instrument)[0][0]
    except sqlite3.OperationalError:  # it is being made
        return 0


def other_venue(s):
    """A simulator of Bybit beside that of Binance: its address is a setting of collector-bybit alone."""
    port_file = s.path("bybit.port")
    s.spawn("bybit", [os.path.join(BIN, "venue_sim"), "--venue", "BYBIT", "--listen", "127.0.0.1:0", "--port-file", port_file, "--symbols",
                      "BTCUSDT", "--seed", "3"])
    port = int(wait_for(lambda: os.path.exists(port_file) and open(port_file).read().strip(), 20, "the second venue's port"))
    s.extra += ["collector.bybit.%s" % x for x in ("venue=BYBIT", "symbols=BTCUSDT", "stream_url=ws://127.0.0.1:%d" % port,
                                                   "rest_url=http://127.0.0.1:%d" % port)]


def one_dies():
    names = list(SHARE) + ["collector-bybit"]
    sim = ["--symbols", "BTCUSDT,ETHUSDT", "--seed", "5", "--rate", "10"]
    settings = ["collector.stamped=false", "executor.stale=1s", "strategy.stale=1s", "run.log_keep=5m"]
    with Shards("dies", "collector/2, collector-bybit", names, settings, sim_args=sim, speed="8", pace="live") as s:  # eight candles a second
        other_venue(s)
        s.start()
        s.until("fills of both shares", lambda: fills(s, "BTCUSDT.BINANCE") > 0 and fills(s, "ETHUSDT.BINANCE") > 0)
        s.kill("collector-2")
        wait_for(lambda: (s.status(EXECUTOR) or {}).get("peers_silent", 1) >= 1, 30, "the silence to be noticed")
        before, eth, btc = {n: frames(s, n) for n in names}, fills(s, "ETHUSDT.BINANCE"), fills(s, "BTCUSDT.BINANCE")
        s.until("the others to go on", lambda: frames(s, "collector-1") > before["collector-1"] and
                frames(s, "collector-bybit") > before["collector-bybit"] and fills(s, "BTCUSDT.BINANCE") > btc)
        assert fills(s, "ETHUSDT.BINANCE") == eth, "a market without its collector was traded"
        s.start_collector("collector-2")
        s.until("it to trade again", lambda: fills(s, "ETHUSDT.BINANCE") > eth)
        s.until("its gaps on record", lambda: s.query("SELECT count(*) FROM gaps WHERE source = 'collector-2' AND stream = 'depth'")[0][0] > 0)
        told = s.query("SELECT DISTINCT source, instrument FROM gaps WHERE stream NOT LIKE 'bus-%'")
        assert {p for p, _ in told} == {"collector-2"} and {i for _, i in told} <= {"ETHUSDT.BINANCE", ""}, told
        markets = s.query("SELECT DISTINCT instrument FROM candles ORDER BY 1")
        assert [m for m, in markets] == ["BTCUSDT.BINANCE", "BTCUSDT.BYBIT", "ETHUSDT.BINANCE"], markets
        assert not holes(s.database), holes(s.database)
        print("collector-2 died and came back; gaps: %s" % told)


def main():
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    if part in ("", "lockstep"):
        the_same_ledger()
    if part in ("", "live"):
        one_dies()


if __name__ == "__main__":
    main()
