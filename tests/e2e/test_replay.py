"""nj replay on each venue's protocol: spot, perpetuals and event contracts traded in one process, the same bytes each time.

Without an argument on generated markets, with "recorded" on recordings, whose numbers of trades are known. That a venue's
frames become the very events that the collector publishes over the bus is e2e.stamped's.
"""
import json
import os
import subprocess
import sys

from feeds import capture, polymarket_tokens
from stack import BIN

GOLD = "KXGOLD15M-26AUG050800-00"
BTC = "BTCUSDT,ETHUSDT"


def settings(venue, symbols, instrument, qty):
    usd = ("executor.quote=USD", "executor.balances=USD=1000") if venue == "KALSHI" else ("executor.balances=USDT=10000",)
    return ("collector.venue=" + venue, "collector.symbols=" + symbols, "strategy.ema_cross.instrument=" + instrument,
            "strategy.ema_cross.interval=1s", "strategy.ema_cross.fast=2", "strategy.ema_cross.slow=3",
            "strategy.ema_cross.qty=" + qty) + usd


def replay(config, argv):
    argv = [os.path.join(BIN, "nj"), "replay"] + list(argv)
    for setting in config:
        argv += ["--set", setting]
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


def played(config, *argv):
    done = replay(config, argv + ("--digest", "--json"))
    assert done.returncode == 0, (config, done.stderr)
    return {row["name"]: row["value"] for row in json.loads(done.stdout)}


def digests(said):
    return {name: value for name, value in said.items() if name.startswith("sha256.")}


def twice(config, least, *argv):
    """What it came to; the orders fill, at least so many times."""
    said, again = played(config, *argv), played(config, *argv)
    assert len(digests(said)) == 4 and digests(again) == digests(said), (config, said, again)
    assert int(said["fills"]) >= least and int(said["rejected"]) <= 1, (config, said)
    print("%s: %s trades, %s fills, twice" % (config[0], said["trades"], said["fills"]))
    return said


def generated():
    """Where Bybit's and Binance's markets are the same, only their words differ: as many fills of each."""
    fills = {}
    for venue, symbols, instrument, qty in (("BINANCE", BTC, "BTCUSDT.BINANCE", "0.01"),
                                            ("BINANCE-PERP", BTC, "BTCUSDT-PERP.BINANCE", "0.01"),
                                            ("BYBIT", BTC, "BTCUSDT.BYBIT", "0.01"),
                                            ("BYBIT-PERP", BTC, "BTCUSDT-PERP.BYBIT", "0.01"),
                                            ("KALSHI", "KXA,KXB", "KXA.KALSHI", "10")):
        config = settings(venue, symbols, instrument, qty)
        said = twice(config, 5, "--generate", "60s", "--seed", "3")
        assert said["origin"] == "simulated", said
        other = played(config, "--generate", "60s", "--seed", "4")
        assert other["sha256.collector.m"] != said["sha256.collector.m"], "another seed is another market"
        fills[venue] = said["fills"]
    assert fills["BYBIT"] == fills["BYBIT-PERP"], fills


def refused():
    """In words that say what to do."""
    for config, words in ((settings("POLYMARKET", "1", "1.POLYMARKET", "1"), b"name a recording with --capture"),
                          (settings("NOWHERE", "A", "A.NOWHERE", "1"), b"there are BINANCE, BINANCE-PERP, BYBIT, "),
                          (settings("BYBIT", "BTCUSDT", "BTCUSDT.BYBIT", "1") + ("collector.symbols=NOUSDT",),
                           b"symbols=NOUSDT")):
        done = replay(config, ("--generate", "5s") if b"NOUSDT" not in words else
                      ("--capture", capture("bybit/BYBIT.jsonl.zst")))
        assert done.returncode != 0 and words in done.stderr, (config, done.returncode, done.stderr)


def recorded():
    linear = "BTCUSDT,ETHUSDT,SOLUSDT,DOGEUSDT"
    bybit, pm = capture("bybit/BYBIT.jsonl.zst"), capture("polymarket/polymarket_ws.jsonl")
    tokens = polymarket_tokens(pm)
    for venue, symbols, instrument, qty, files, trades, least in (
            ("BINANCE-PERP", "SUSHIUSDT,AKROUSDT,KEEPUSDT,CTKUSDT", "SUSHIUSDT-PERP.BINANCE", "5",
             capture("binance/rest/BINANCE_FUTURES.jsonl.zst"), 91, 2),
            ("BYBIT-PERP", linear, "BTCUSDT-PERP.BYBIT", "0.01", bybit, 327, 2),
            ("BYBIT", BTC, "BTCUSDT.BYBIT", "0.01", bybit, 20, 2),
            ("KALSHI", GOLD, GOLD + ".KALSHI", "10", capture("kalshi/events/%s/2026-08-05.ndjson.gz" % GOLD), 399, 20),
            ("POLYMARKET", ",".join(tokens), tokens[0] + ".POLYMARKET", "10", pm, 2, 0)):
        said = twice(settings(venue, symbols, instrument, qty), least, "--capture", files)
        assert (said["origin"], int(said["trades"])) == ("replay", trades), said


def left_out_is_told():
    """USD-M's trades are followed as aggTrade; a recording of the other kind plays without any, and that is said."""
    done = replay(settings("BINANCE-PERP", "BTCUSDT", "BTCUSDT-PERP.BINANCE", "1"),
                  ("--capture", capture("binance/usdm/btcusdt_20240808.gz")))
    assert done.returncode == 0 and b"nobody follows them" in done.stderr and b"btcusdt@trade (21313 frames)" in done.stderr, done
    done = replay(settings("KALSHI", GOLD, GOLD + ".KALSHI", "10"),
                  ("--capture", capture("kalshi/events/%s/2026-08-05.ndjson.gz" % GOLD)))
    assert done.returncode == 0 and b"nobody follows" not in done.stderr, done.stderr


def main():
    if sys.argv[1:] == ["recorded"]:
        recorded()
        refused()
        left_out_is_told()
    else:
        generated()
    print("ok")


main()
