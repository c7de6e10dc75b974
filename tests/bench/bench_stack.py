#!/usr/bin/env python3
"""bench_stack - the real services: replay over the bus against one process (G8), resident memory (G15), start (G18).

  tests/bench/bench_stack.py [--short]

Lines are those of tests/bench/bench.h. Exits 2 where the two replays differ in a byte or something is lost, 77 where
the programs are not built. Recorded data where NIGHTJAR_CAPTURES has it, else a generated market.
"""
import json
import os
import re
import statistics
import subprocess
import sys
import time
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from records import holes, lane_digests  # noqa: E402
from stack import BIN, CAPTURES, SERVICES, Stack, btc_captures, wait_for  # noqa: E402

SHORT = "--short" in sys.argv
START = 10**9  # event time at which nj replay lets a generated market begin
WHOLE_LOG = ("run.log_cap=4GiB", "run.log_keep=24h")


def tell(goal, name, ours, reference, unit, ratios, at_least, want):
    ratio = statistics.median(ratios)
    met = ratio >= want if at_least else ratio <= want
    print("\t".join([goal, name, "%.4g" % ours, "%.4g" % reference, unit, "%.3f" % ratio,
                     "%.3f..%.3f" % (min(ratios), max(ratios)), "%s %.2f" % (">=" if at_least else "<=", want),
                     "met" if met else "missed"]), flush=True)


class Market:
    """What is played: a recording, or a generated market of some symbols."""

    def __init__(self, symbols=None, seconds=60, rate=20):
        self.capture = None if symbols else btc_captures()
        self.symbols = symbols or ["BTCUSDT"]
        self.generated = ["--duration", str(seconds), "--seed", "1", "--rate", str(rate)]
        self.seconds, self.rate = seconds, rate
        self.settings = WHOLE_LOG + ("collector.symbols=" + ",".join(self.symbols),)

    def stack(self, name):
        args = [] if self.capture else ["--symbols", ",".join(self.symbols), "--start", str(START)] + self.generated
        return Stack(name, capture=self.capture, origin="replay" if self.capture else "simulated", settings=self.settings,
                     sim_args=args)

    def one_process(self, config):
        argv = [os.path.join(BIN, "nj"), "replay", "--config", config, "--json", "--digest"]
        for setting in self.settings:
            argv += ["--set", setting]
        if self.capture:
            argv += ["--capture", ",".join(self.capture[0]), "--exchange-info", self.capture[1]]
        else:
            argv += ["--generate", "%ds" % self.seconds, "--seed", "1", "--rate", str(self.rate)]
        rows = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=300).stdout)
        return {row["name"]: row["value"] for row in rows}


def stamp_of(log, what):
    """Wall clock of a log line, s."""
    m = re.search(r"time=(\S+?)(\d{3})Z level=\w+ service=\w+ (?=.*%s)" % re.escape(what), log)
    return datetime.strptime(m.group(1), "%Y-%m-%dT%H:%M:%S.%f").timestamp() + int(m.group(2)) * 1e-9


def fail(text):
    print("bench_stack: " + text, file=sys.stderr)
    sys.exit(2)


def same(bus, said):
    for lane, (n, sha) in bus.items():
        if (int(said["events." + lane]), said["sha256." + lane]) != (n, sha):
            fail("%s: %d events %s over the bus, %s events %s in one process" % (
                lane, n, sha, said["events." + lane], said["sha256." + lane]))


def memory(s):
    """Resident bytes of every service, and the part that belongs to no file."""
    out = {}
    for name in SERVICES:
        with open("/proc/%d/status" % s.processes[name].pid) as f:
            text = f.read()
        out[name] = [int(re.search(key + r":\s+(\d+)", text).group(1)) * 1024 for key in ("VmRSS", "RssAnon")]
    return out


def replay(market, watch=None):
    """One replay over the bus and one in one process: events/s of both. watch(stack, said) looks before the end."""
    with market.stack("bench") as s:
        s.start()
        wait_for(lambda: "connected" in s.log("collector"), 30, "the collector")
        said = market.one_process(s.path("nightjar.conf"))
        s.wait_until_finished(int(said["to"]), 300)
        if watch:
            watch(s, said)
        log = s.log("collector")
        took = stamp_of(log, "end of the recording") - stamp_of(log, "msg=connected")
        codes = s.stop()
        if any(codes.values()) or holes(s.database):
            fail("exit codes %s, holes %s" % (codes, holes(s.database)))
        same(lane_digests(s.database, s.path("data", "collector", "mlog")), said)
        # Again, with nothing else of ours running.
        said = market.one_process(s.path("nightjar.conf"))
    return int(said["events"]) / took, float(said["events_per_s"]), int(said["events"])


def bench_replay(market, runs):
    bus, one = [], []
    for _ in range(runs):
        b, o, _ = replay(market)
        bus.append(b)
        one.append(o)
    tell("G8", "one process, of the bus unbatched", statistics.median(one), statistics.median(bus), "ev/s",
         [o / b for o, b in zip(one, bus)], True, 3)


def bench_memory():
    """Twenty symbols with full books, generated; a short run and one four times as long."""
    symbols = ["S%02dUSDT" % i for i in range(20)]
    seen = []
    for seconds in (80, 320) if SHORT else (300, 1200):
        def look(s, said):
            seen.append((memory(s), int(said["events"])))
        replay(Market(symbols, seconds), look)
    (first, few), (last, many) = seen
    total = sum(rss for rss, _ in last.values())
    tell("G15", "resident, 4 services, 20 symbols", total / 2**20, 64, "MiB", [total / 2**20 / 64], False, 1)
    for name, (rss, anon) in sorted(last.items()):
        print("#\tG15\t%s\t%.1f MiB resident, %.1f MiB of it anonymous, after %d events" % (name, rss / 2**20, anon / 2**20, many))
    grown = sum(a for _, a in last.values()) - sum(a for _, a in first.values())
    print("#\tG15\tanonymous memory grew by %.1f MiB from %d to %d events; books still fill, so only a long soak decides "
          "the slope" % (grown / 2**20, few, many))


def bench_start(runs):
    took = []
    for _ in range(runs):
        with Stack("ready", origin="simulated", pace="live", sim_args=["--symbols", "BTCUSDT"], speed="1") as s:
            s.start_venue()
            s.write_settings()
            began = time.monotonic()
            for name in SERVICES:
                s.start_service(name)
            wait_for(lambda: all("life=running" in s.log(n) for n in SERVICES), 30, "all services")
            took.append(time.monotonic() - began)
    tell("G18", "stack ready, warm", statistics.median(took), 2, "s", [t / 2 for t in took], False, 1)


def main():
    if not os.path.exists(os.path.join(BIN, "nightjar-collector")):
        print("skipped: nothing built at " + BIN)
        sys.exit(77)
    recorded = os.path.exists(os.path.join(CAPTURES, "binance", "spot"))
    bench_replay(Market() if recorded else Market(["BTCUSDT"], 600, 100), 2 if SHORT else 5)
    bench_memory()
    bench_start(3 if SHORT else 9)


main()
