"""nj replay: the cores in one process say what three services say over the bus, to the byte.

A generated market of three symbols, two of them traded, so that feedback crosses: every lane of every publisher must
agree. The same again gives the same, another seed or run id does not. Where there is recorded data, event contracts and
perpetuals are traded as well, with ways that are drawn.
"""
import json
import os
import sqlite3
import subprocess
from decimal import Decimal

from records import candles, holes, lane_digests
from stack import BIN, CAPTURES, Stack

SYMBOLS = "BTCUSDT,ETHUSDT,SOLUSDT"
SECONDS, RATE, START = 120, 40, 10**9  # START: where nj replay lets a generated market begin
SETTINGS = ("run.log_cap=4GiB", "run.log_keep=24h", "collector.symbols=" + SYMBOLS, "executor.balances=USDT=1000000",
            "strategy.seats=ema_cross,other", "strategy.other.strategy=ema_cross", "strategy.other.instrument=ETHUSDT.BINANCE",
            "strategy.other.interval=1s", "strategy.other.fast=2", "strategy.other.slow=5", "strategy.other.qty=0.5")


# Bought and sold every few seconds; orders and answers take as long as is drawn.
DRAWN = ("run.log_cap=4GiB", "run.log_keep=24h", "executor.latency=drawn", "executor.order_delays=50%=70ms 100%=900ms",
         "executor.ack_delays=50%=20ms 100%=300ms")
TRADED = (("KALSHI", "kalshi/events/KXGOLD15M-26AUG050800-00/2026-08-05.ndjson.gz", "KXGOLD15M-26AUG050800-00", ".KALSHI", "7", 40,
           ("executor.quote=USD", "executor.balances=USD=1000")),
          ("BYBIT-PERP", "bybit/BYBIT.jsonl.zst", "BTCUSDT", "-PERP.BYBIT", "0.5", 4, ()))


def replay(config, source, settings):
    argv = [os.path.join(BIN, "nj"), "replay", "--config", config, "--digest", "--json"] + list(source)
    for setting in settings:
        argv += ["--set", setting]
    out = subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=120).stdout
    return {row["name"]: row["value"] for row in json.loads(out)}


def one_process(config, seed=1, extra=()):
    return replay(config, ["--generate", "%ds" % SECONDS, "--rate", str(RATE), "--seed", str(seed)] + list(extra), SETTINGS)


def digests(said):
    return {name: value for name, value in said.items() if name.startswith("sha256.")}


def rows(config, *argv):
    out = subprocess.run([os.path.join(BIN, "nj")] + list(argv) + ["--config", config, "--json"], check=True,
                         stdout=subprocess.PIPE, timeout=60).stdout
    return json.loads(out), out


def check_files(config):
    """Totals, days and curves as files: from the database and from the journal alone, the same bytes."""
    at = os.path.dirname(config)
    journal, written = os.path.join(at, "data", "executor", "journal"), []
    for name, extra in (("one", []), ("two", []), ("three", ["--journal", journal])):
        to = os.path.join(at, "reports-" + name)
        subprocess.run([os.path.join(BIN, "nj"), "summary", "--config", config, "--files", to] + extra, check=True,
                       timeout=60)
        assert sorted(os.listdir(to)) == ["curve.csv", "days.csv", "totals.csv"], os.listdir(to)
        written.append([open(os.path.join(to, n), "rb").read() for n in ("curve.csv", "days.csv", "totals.csv")])
    assert written[0] == written[1] == written[2], "the same journal writes other files"
    assert all(len(text.splitlines()) > 3 for text in written[0])


def check_accounting(config, fills):
    """What the journal's folds say of the same fills: by scope, by day, by lot."""
    totals, bytes_ = rows(config, "summary")
    days, _ = rows(config, "summary", "--days")
    curve, _ = rows(config, "summary", "--curve")
    account = [r for r in totals if r["scope"] == "account"]
    assert len(account) == 1 and account[0]["fills"] == fills, account
    for scope in ("strategy", "instrument"):
        for figure in ("realised", "fees", "traded"):
            parts = sum(Decimal(str(r[figure])) for r in totals if r["scope"] == scope)
            assert parts == Decimal(str(account[0][figure])), (scope, figure, parts, account)
    assert sum(Decimal(str(r["fees"])) for r in days if r["scope"] == "account") == Decimal(str(account[0]["fees"]))
    for scope in ("account", "strategy", "instrument"):
        for total in (r for r in totals if r["scope"] == scope):
            points = [r for r in curve if (r["scope"], r["name"]) == (scope, total["name"])]
            assert Decimal(str(points[-1]["end"])) == Decimal(str(total["end"])), total
    assert rows(config, "summary")[1] == bytes_, "the same journal says something else"
    check_files(config)
    # Money that went in and out is in what was closed and what is open, whatever the method.
    paid = set()
    for method in ("fifo", "lifo", "hifo"):
        closed, _ = rows(config, "lots", "--method", method)
        still, _ = rows(config, "lots", "--method", method, "--open")
        gains = sum(Decimal(str(r["gain"])) for r in closed)
        paid.add(sum(Decimal(str(r["basis"] or 0)) - Decimal(str(r["proceeds"] or 0)) for r in still) - gains)
        assert closed, "no lot was ever closed"
    assert len(paid) == 1, paid
    print("summary and lots of %d fills agree" % fills)


def check_unreadable(config, database, copy):
    """A record that this program cannot read is never left out in silence."""
    whole, torn = sqlite3.connect(database), sqlite3.connect(copy)
    whole.backup(torn)
    whole.close()
    torn.execute("UPDATE xlog SET body = x'c1' WHERE (publisher, epoch, seq) = "
                 "(SELECT publisher, epoch, seq FROM xlog LIMIT 1)")
    torn.commit()
    torn.close()
    for verb in ("accounts", "coverage", "lots", "report", "summary"):
        for path, told in ((database, False), (copy, True)):
            said = subprocess.run([os.path.join(BIN, "nj"), verb, "--config", config, "--database", path], check=True,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60).stderr
            assert (b"cannot read 1 of the records" in said) == told, (verb, path, said)


def check_lanes(s, said):
    codes = s.stop()
    assert all(c == 0 for c in codes.values()), codes
    assert not holes(s.database), holes(s.database)
    for lane, (n, sha) in lane_digests(s.database, s.path("data", "collector", "mlog")).items():
        print("%-12s %6d events, %s" % (lane + ":", n, sha[:16]))
        assert (int(said["events." + lane]), said["sha256." + lane]) == (n, sha), \
            "%s: %d events over the bus, %s in one process, or other bytes" % (lane, n, said["events." + lane])


def traded(venue, name, symbol, suffix, qty, fills, settings):
    """A recording of event contracts or of perpetuals, traded over the bus and in one process."""
    path = os.path.join(CAPTURES, name)
    if not os.path.exists(path):
        print("%s: no recorded data at %s" % (venue, path))
        return
    settings = DRAWN + settings + ("collector.venue=" + venue, "collector.symbols=" + symbol)
    seat = {"instrument": symbol + suffix, "fast": "2", "slow": "5", "qty": qty}
    with Stack("traded", settings=settings, strategy=seat, sim_args=("--venue", venue, "--capture", path)) as s:
        s.start()
        said = replay(s.path("nightjar.conf"), ["--capture", path], settings)
        s.wait_until_finished(int(said["to"]), 120)
        check_lanes(s, said)
        assert int(said["fills"]) >= fills, "%s: only %s fills" % (venue, said["fills"])
        print("%s: %s fills, over the bus and in one process" % (venue, said["fills"]))


def main():
    for row in TRADED:
        traded(*row)
    sim = ["--symbols", SYMBOLS, "--duration", str(SECONDS), "--rate", str(RATE), "--seed", "1", "--start", str(START)]
    with Stack("one", origin="simulated", settings=SETTINGS, sim_args=sim) as s:
        s.start()
        config = s.path("nightjar.conf")
        said = one_process(config)
        s.wait_until_finished(int(said["to"]), 120)
        check_lanes(s, said)
        assert int(said["candles"]) == len(candles(s.database))  # its own and the venue's
        assert int(said["fills"]) >= 10, "only %s fills: agreement on nothing must not pass" % said["fills"]
        check_accounting(config, int(said["fills"]))
        check_unreadable(config, s.database, s.path("torn.db"))
        assert digests(one_process(config)) == digests(said), "the same again says something else"
        # With the settings of a live stack, too: what is played is simulated, and says so.
        assert digests(one_process(config, extra=("--set", "run.origin=live"))) == digests(said), "live settings decide otherwise"
        other = digests(one_process(config, seed=2))
        assert other["sha256.collector.m"] != said["sha256.collector.m"], "another seed is another market"
        renamed = digests(one_process(config, extra=("--run-id", "another")))
        assert renamed["sha256.collector.m"] == said["sha256.collector.m"], "a run id has nothing to do with the market"
        assert renamed["sha256.strategy.x"] != said["sha256.strategy.x"], "a run id is part of every order id"
    print("ok")


main()
