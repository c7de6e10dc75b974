#!/usr/bin/env python3
"""bench_stack - the real services: replay over the bus against one process (G8), memory (G15), CPU (G16), twice the
symbols (G17), start (G18).

  tests/bench/bench_stack.py [--short]

Lines are those of tests/bench/bench.h. Exits 2 where the two replays differ in a byte, something is lost or memory
grows, 77 where the programs are not built. Recorded data where NIGHTJAR_CAPTURES has it, else a generated market.
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
import soak  # noqa: E402
from records import holes, lane_digests  # noqa: E402
from stack import BIN, CAPTURES, SERVICES, Stack, btc_captures, wait_for  # noqa: E402
from usage import MIB, stack_resident  # noqa: E402

SHORT = "--short" in sys.argv
START = 10**9  # event time at which nj replay lets a generated market begin
SHORT_KIB = 512  # of a million messages: half a byte each
WATCHED = SERVICES + ("watchdog",)
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


def replay(market):
    """One replay over the bus and one in one process: seconds of both, events and fills of each."""
    with market.stack("bench") as s:
        s.start()
        wait_for(lambda: "connected" in s.log("collector"), 30, "the collector")
        said = market.one_process(s.path("nightjar.conf"))
        s.wait_until_finished(int(said["to"]), 300)
        log = s.log("collector")
        took = stamp_of(log, "end of the recording") - stamp_of(log, "msg=connected")
        codes = s.stop()
        if any(codes.values()) or holes(s.database):
            fail("exit codes %s, holes %s" % (codes, holes(s.database)))
        same(lane_digests(s.database, s.path("data", "collector", "mlog")), said)
        # Again, with nothing else of ours running.
        said = market.one_process(s.path("nightjar.conf"))
    return took, int(said["took_ns"]) * 1e-9, int(said["events"]), int(said["fills"])


def bench_replay(market, runs):
    bus, one = [], []
    for _ in range(runs):
        b, o, events, fills = replay(market)
        bus.append(b)
        one.append(o)
    ratios = [b / o for b, o in zip(bus, one)]
    for name, count, unit in (("", events, "ev/s"), ("fills, ", fills, "fills/s")):
        tell("G8", name + "one process, of the bus unbatched", count / statistics.median(one),
             count / statistics.median(bus), unit, ratios, True, 3)


def bench_memory():
    """G15 with twenty generated symbols of up to 160 levels a side, as fast as they go.

    The first million messages are warm-up, the slopes are of those that follow, by the estimator of soak.py. Its bound,
    that of a day, takes a day's messages (`./nightjar test --long -R e2e.memory_flat`): in as few as these a handful of pages
    taken or given back, and books that still widen, are more. So what fails here is growth that is certain, where even
    the lower end of the interval is above SHORT_KIB.

    Counted is what each service has written for itself (anonymous and shared pages); pages of mapped files (programs,
    libraries, the newest window of a log) lie in the page cache and count once for the stack.
    """
    warm, count = 1000000, 2000000 if SHORT else 8000000
    with Stack("memory", origin="simulated", settings=("collector.symbols=" + ",".join(soak.SYMBOLS), "run.log_cap=64MiB"),
               sim_args=soak.market(soak.SYMBOLS), strategy={"instrument": soak.SYMBOLS[0] + ".BINANCE"}) as s:
        s.start()
        s.spawn("watchdog", [os.path.join(BIN, "nightjar-watchdog"), "--config", s.path("nightjar.conf")])
        wait_for(lambda: soak.messages(s) >= warm, 600, "%d messages" % warm)
        seen = soak.watch(s, WATCHED, count, 40, 600)
        resident = stack_resident([s.processes[name].pid for name in WATCHED]) / MIB
    tell("G15", "resident, whole stack, 20 symbols", resident, 64, "MiB", [resident / 64], False, 1)
    found = soak.slopes(seen)
    for name in WATCHED:
        print("#\tG15\t" + soak.line(name, seen, found))
    most = max(slope for slope, _, _ in found.values())
    tell("G15", "growth by a million messages, most of all services", most, SHORT_KIB, "KiB", [most / SHORT_KIB], False, 1)
    leaks = [name for name in WATCHED if found[name][1] > SHORT_KIB]
    if leaks:
        fail("grows by more than %d KiB a million messages: %s" % (
            SHORT_KIB, "; ".join(soak.line(name, seen, found) for name in leaks)))


def cpu_seconds(s):
    total = 0
    for name in SERVICES:
        with open("/proc/%d/stat" % s.processes[name].pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def live_load(n, seconds):
    """n symbols at the clock's speed: share of a core, frames a minute, resident bytes. 20 are some 50,000 a minute."""
    symbols = ",".join("S%02dUSDT" % i for i in range(n))
    with Stack("load", origin="simulated", pace="live", speed="1", settings=("collector.symbols=" + symbols,),
               sim_args=["--symbols", symbols, "--rate", "21"]) as s:
        s.start()
        wait_for(lambda: all("life=running" in s.log(name) for name in SERVICES), 30, "all services")
        time.sleep(5)  # snapshots of all books, and the followers' first pages
        began, used, frames = time.monotonic(), cpu_seconds(s), s.status("collector")["collector_frames_total"]
        time.sleep(seconds)
        took = time.monotonic() - began
        used, frames = cpu_seconds(s) - used, s.status("collector")["collector_frames_total"] - frames
        resident = stack_resident([s.processes[name].pid for name in SERVICES])
        codes = s.stop()
        if any(codes.values()) or not frames:
            fail("exit codes %s, %d frames" % (codes, frames))
    return used / took, frames * 60 / took, resident


def bench_load(runs, seconds):
    few, many = [], []
    for _ in range(runs):
        few.append(live_load(10, seconds))
        many.append(live_load(20, seconds))
    cpu = [m[0] for m in many]
    tell("G16", "CPU of 4 services at %.0fk frames/min" % (many[0][1] / 1000), statistics.median(cpu) * 100, 10, "% of a core",
         [c / 0.1 for c in cpu], False, 1)
    for what, i, unit in (("CPU", 0, "cores"), ("resident", 2, "bytes")):
        tell("G17", "%s, 20 symbols of 10" % what, statistics.median(m[i] for m in many), statistics.median(f[i] for f in few),
             unit, [m[i] / f[i] for m, f in zip(many, few)], False, 2)


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
    bench_load(3 if SHORT else 5, 8 if SHORT else 30)
    bench_start(3 if SHORT else 9)


main()
