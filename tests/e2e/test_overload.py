"""Lane M far beyond what a consumer can take: facts go on as if nothing were, memory stays in its bound, nothing goes unnoticed.

A publisher in the collector's place sends facts at a steady pace, and best prices at more than ten times the rate of a strategy
that is stopped most of the time. The persister, which follows the facts of the same publisher, has each of them; their latency is
compared with the idle time before (only told, but for NJ_LONG). When the flood is over the strategy has an account of every record.
"""
import os
import signal
import subprocess
import sys
import threading
import time

from records import ledger_rows, market_log
from stack import BIN, LONG, Stack, wait_for

SECONDS = 60 if LONG else 6
IDLE = 20 if LONG else 3
RATE, FACTS = 50000, 200
AWAKE, ASLEEP = 0.01, 1.0  # s, of the strategy: a hundredth of what it could take, and beyond every high-water mark
MEMORY = 96 << 20  # queue 8 MiB, frames that wait 8 MiB, a high-water mark of 10,000 messages at either end
PARITY, CAUSE, COUNT, CONFLATED, DROPPED = 0x0007, 9, 16, 2, 3
SETTINGS = ("run.log_cap=4GiB", "run.log_keep=24h", "run.replay_rate=1GiB", "run.wait_repair=600s", "run.behind=50ms",
            "collector.rate=%d" % RATE, "collector.facts=%d" % FACTS, "collector.after=%ds" % (IDLE + 3), "collector.for=%ds" % SECONDS)


class Flooded(Stack):
    def write_settings(self):
        with open(self.path("nightjar.conf"), "w") as f:
            f.write('bus\n    dir = "%s"\nrun\n    data = "%s"\n    pace = "live"\n    run_id = "e2e"\n'
                    'strategy\n    seats = "ema_cross"\n    ema_cross\n        instrument = "BTCUSDT.BINANCE"\n'
                    % (self.path("bus"), self.path("data")))

    def start_flood(self):
        argv = [os.path.join(BIN, "nightjar-flood"), "--config", self.path("nightjar.conf")]
        for setting in self.extra:
            argv += ["--set", setting]
        self.spawn("collector", argv)

    def latencies(self, seconds):
        """Of the facts, in us, from the moment each was made to a plain subscriber's."""
        argv = [os.path.join(BIN, "nj"), "tap", "feed", "-W", "%ds" % seconds, "-f", "%l", "--config", self.path("nightjar.conf")]
        out = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=seconds + 60).stdout
        return sorted(int(v) for v in out.split())

    def rss(self, name):
        with open("/proc/%d/statm" % self.processes[name].pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Sleeper(threading.Thread):
    """Lets a process work for a moment at a time, and watches its memory."""

    def __init__(self, s, name):
        super().__init__(daemon=True)
        self.s, self.name_, self.most, self.over = s, name, 0, threading.Event()

    def run(self):
        p = self.s.processes[self.name_]
        while not self.over.is_set():
            p.send_signal(signal.SIGSTOP)
            self.over.wait(ASLEEP)
            p.send_signal(signal.SIGCONT)
            self.over.wait(AWAKE)
            self.most = max(self.most, self.s.rss(self.name_))

    def stop(self):
        self.over.set()
        self.join()


def quantile(values, q):
    return values[min(len(values) - 1, int(len(values) * q))]


def tell(what, values):
    print("%-9s %5d facts, latency p50 %d us, p99 %d us" % (what, len(values), quantile(values, 0.5), quantile(values, 0.99)))


def account(s):
    st = s.status("strategy", 20) or {}
    a = {k: st.get("in.collector.m." + k, -1) for k in ("published", "handled", "conflated", "dropped", "waiting", "missing",
                                                        "unbalanced", "holes", "stalls", "paged")}
    assert a["published"] == a["handled"] + a["conflated"] + a["dropped"] + a["waiting"] and a["unbalanced"] <= 0, a
    return a


def overload(s):
    """Returns latencies before and during, and the factor: sent, by what the strategy could take meanwhile."""
    idle = s.latencies(IDLE)
    wait_for(lambda: s.status("collector")["m_events"] > 0, 60, "the flood")
    before, sent = s.rss("strategy"), s.status("collector")["m_events"]
    taken = account(s)
    sleeper = Sleeper(s, "strategy")
    sleeper.start()
    flooded = s.latencies(SECONDS - 2)
    sent = s.status("collector")["m_events"] - sent
    sleeper.stop()
    now = account(s)
    took = now["handled"] + now["conflated"] - taken["handled"] - taken["conflated"]
    grown = sleeper.most - before
    print("flood: %d sent, %d taken meanwhile: %.1f times; memory of the strategy %+.1f MiB" % (
        sent, took, sent / max(took, 1), grown / 1048576))
    assert grown < MEMORY, "the strategy's memory grew by %d bytes" % grown
    return idle, flooded, sent / max(took, 1)


def check_accounts(s):
    def settled():
        s.check_alive()
        st, a = s.status("collector"), account(s)
        return st and a["missing"] == 0 and a["waiting"] == 0 and a["published"] >= RATE * SECONDS and a
    a = wait_for(settled, 300, "the strategy to have an account of everything")
    logged = sum(1 for _ in market_log(s.path("data", "collector", "mlog")))
    assert a["published"] == logged == RATE * SECONDS, "%s of %d" % (a, logged)
    assert a["holes"] + a["stalls"] > 0 and a["conflated"] > 0 and a["dropped"] == 0, "this test proves nothing: %s" % a
    return a


def check_facts(s, a):
    """Every fact is stored, the conflations among them."""
    last = {name: s.status(name)["x_last"] for name in ("collector", "strategy")}
    rows = {}
    def stored():
        s.check_alive()
        rows.clear()
        for publisher, seq, ev in ledger_rows(s.database):
            rows.setdefault(publisher, []).append((seq, ev))
        return all(len(rows.get(name, ())) >= n for name, n in last.items())
    wait_for(stored, 120, "the persister")
    assert [seq for seq, _ in rows["collector"]] == list(range(1, len(rows["collector"]) + 1)), "a hole among the facts"
    conflated = sum(ev[COUNT] for _, ev in rows["strategy"] if ev[0] == PARITY and ev[CAUSE] == CONFLATED)
    assert conflated == a["conflated"], "%d on record, %s" % (conflated, a)


def main():
    with Flooded("overload", settings=SETTINGS) as s:
        s.write_settings()
        for name in ("persister", "strategy"):
            s.start_service(name)
        s.start_flood()
        wait_for(lambda: (s.status("strategy") or {}).get("in.collector.m.state") == 2, 60, "the strategy to listen")
        idle, flooded, factor = overload(s)
        tell("idle:", idle)
        tell("flooded:", flooded)
        assert len(idle) > 100 and len(flooded) > 100, "too few facts to compare"
        a = check_accounts(s)
        print("afterwards", a)
        check_facts(s, a)
        if LONG:
            assert factor >= 10, "only %.1f times what the strategy takes" % factor
            assert quantile(flooded, 0.5) <= 2 * quantile(idle, 0.5), "facts are slower in the flood"
        codes = {name: s.kill(name, signal.SIGTERM) for name in ("strategy", "persister", "collector")}
        assert all(c == 0 for c in codes.values()), codes
    print("ok")
    return 0


sys.exit(main())
