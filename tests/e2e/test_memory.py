"""Memory is bounded by construction: level under load, level while somebody stands still, and told where it is not.

  test_memory.py [flat|outage|limits|allocations]...

Bounds are bytes after so many events, whatever time they took. Judged is what belongs to no file (RssAnon, RssShmem);
of mapped files the stack's sum counts each once. NJ_LONG=1 plays a day of 50,000 messages a minute, as fast as it goes.
"""
import os
import re
import signal
import sqlite3
import struct
import sys

import soak
from live import Live
from records import holes
from stack import BIN, LONG, SERVICES, Stack, skip, stored, wait_for
from usage import MIB, stack_resident, usage

EVENTS = 400000
LIMIT = 500
SYMBOLS = soak.SYMBOLS
WARM = 12000000  # messages of the day: four hours of it, in which books spread to where their levels end
WATCHED = SERVICES + ("watchdog",)
# From the warm state on. The books still fill; a leak of ten bytes an event does not pass.
GROWTH = dict.fromkeys(WATCHED, 2 * MIB)
STACK_MAX = 64 * MIB


def market(name, symbols, **kw):
    settings = ("collector.symbols=" + ",".join(symbols), "run.log_cap=64MiB") + tuple(kw.pop("settings", ()))
    return Stack(name, origin="simulated", settings=settings, sim_args=soak.market(symbols), strategy={"instrument": symbols[0] + ".BINANCE"},
                 **kw)


def start(s):
    s.start()
    s.spawn("watchdog", [os.path.join(BIN, "nightjar-watchdog"), "--config", s.path("nightjar.conf")])
    wait_for(lambda: s.status("watchdog"), 60, "the watchdog")


def play(s, events, who="executor"):
    """Until the service has applied so many events more."""
    def applied():
        s.check_alive()
        return (s.status(who) or {}).get("applied", 0)
    goal = wait_for(applied, 60, who) + events
    wait_for(lambda: applied() >= goal, LIMIT, "%d events" % events)


def look(s):
    found = {}
    for name in WATCHED:
        found[name] = usage(s.processes[name].pid)
        found[name]["heap"] = (s.status(name, 10) or {}).get("process_heap_bytes", 0)
    return found


def compare(before, after, bounds):
    for name in WATCHED:
        b, a = before[name], after[name]
        print("%-9s own %5.1f -> %5.1f MiB, heap %5.1f -> %5.1f MiB, files %4.1f MiB, %d threads, %d descriptors" % (
            name, b["anon"] / MIB, a["anon"] / MIB, b["heap"] / MIB, a["heap"] / MIB, a["file"] / MIB, a["threads"], a["fds"]))
    for name in WATCHED:
        b, a = before[name], after[name]
        for what in ("anon", "heap"):
            assert a[what] - b[what] <= bounds[name], "%s: %s grew by %d bytes" % (name, what, a[what] - b[what])
        assert a["threads"] <= b["threads"] + 1, "%s: %d threads, had %d" % (name, a["threads"], b["threads"])
        assert a["fds"] <= b["fds"] + 4, "%s: %d descriptors, had %d" % (name, a["fds"], b["fds"])


def flat():
    """Twenty symbols as fast as they go: after the first events nothing grows any more, and the stack is small."""
    soak.check()
    with market("flat", SYMBOLS) as s:
        start(s)
        play(s, EVENTS)
        warm = look(s)
        play(s, EVENTS)
        compare(warm, look(s), GROWTH)
        if LONG:
            day(s)
        total = stack_resident([s.processes[name].pid for name in WATCHED])
        print("the stack holds %.1f MiB, files counted once" % (total / MIB))
        assert total <= STACK_MAX, "the stack holds %d bytes" % total


def day(s):
    """What is left of a day's messages: nobody's memory rises by more than 1 MiB a day, at the upper end of 95 %."""
    wait_for(lambda: soak.messages(s) >= WARM, 7200, "%d messages" % WARM)
    seen = soak.watch(s, WATCHED, soak.DAY - WARM, 240, 7200)
    found = soak.slopes(seen)
    for name in WATCHED:
        print(soak.line(name, seen, found))
    leaks = [name for name in WATCHED if found[name][2] > soak.KIB_A_MILLION]
    assert not leaks, "more than %.1f KiB a million messages: %s" % (soak.KIB_A_MILLION, leaks)


def outage():
    """Database and watchdog stand still: nobody keeps for them what journals and logs hold; then they catch up."""
    with market("outage", SYMBOLS[:3], settings=("run.lockstep_consumers=strategy,executor",)) as s:
        start(s)
        play(s, EVENTS // 4)
        warm = look(s)
        for name in ("persister", "watchdog"):
            s.processes[name].send_signal(signal.SIGSTOP)
        play(s, EVENTS // 2)
        # Up to its high-water mark a publisher keeps frames for each reader that stands still.
        found = {name: usage(s.processes[name].pid) for name in WATCHED}
        for name in ("collector", "strategy", "executor"):
            print("%-9s own %5.1f -> %5.1f MiB" % (name, warm[name]["anon"] / MIB, found[name]["anon"] / MIB))
            assert found[name]["anon"] - warm[name]["anon"] <= 16 * MIB, "%s: %s" % (name, found[name])
        for name in ("persister", "watchdog"):
            s.processes[name].send_signal(signal.SIGCONT)
        last = wait_for(lambda: (s.status("executor") or {}).get("x_last"), 60, "the executor")
        wait_for(lambda: s.check_alive() or stored(s.database, "executor") >= last, LIMIT, "the persister to catch up")
        assert not holes(s.database), holes(s.database)


def alerts(s):
    try:
        db = sqlite3.connect("file:%s?mode=ro" % s.database, uri=True, timeout=5)
        try:
            return {tuple(r) for r in db.execute("SELECT rule, subject FROM alerts WHERE rule LIKE '%memory%'")}
        finally:
            db.close()
    except sqlite3.Error:
        return set()


def limits():
    """One service too many bytes, and all together: told once each, on record, and not by default."""
    for settings, want in (((), set()), (("watchdog.rss_max=1MiB", "watchdog.stack_max=2MiB"),
                                        {("memory_high", n) for n in SERVICES} | {("stack_memory_high", "stack")})):
        with Live("limits", settings=settings) as s:
            s.start()
            argv = [os.path.join(BIN, "nightjar-watchdog"), "--config", s.path("nightjar.conf")]
            for setting in s.extra:
                argv += ["--set", setting]
            s.spawn("watchdog", argv)
            s.until("heartbeats", lambda: s.metric("watchdog", "watchdog_heartbeats_total") > 40)
            s.until("the alerts", lambda: alerts(s) >= want)
            assert alerts(s) == want, alerts(s)
            text = s.log("watchdog")
            assert all(text.count("rule=%s subject=%s " % alert) == 1 for alert in want), text[-2000:]
    print("told: " + ", ".join(sorted("%s of %s" % a for a in want)))


def asked(s, name):
    """How often a service has asked malloc: its own code, and its libraries."""
    with open(s.path("counts", str(s.processes[name].pid)), "rb") as f:
        return struct.unpack("=QQ", f.read(16))


def allocations():
    """Once warm, no code of ours asks malloc for an event. What is left are snapshots, requests and heartbeats."""
    with market("alloc", SYMBOLS[:3]) as s:
        os.mkdir(s.path("counts"))
        spawn = s.spawn
        env = {"LD_PRELOAD": s.shim("alloccount.so"), "ALLOCCOUNT_OUT": s.path("counts")}
        s.spawn = lambda name, argv, more=(): spawn(name, argv, dict(env, **dict(more)))
        s.start()
        play(s, EVENTS // 8)
        before, began = {name: asked(s, name) for name in SERVICES}, s.status("executor", 10)["applied"]
        play(s, EVENTS // 4)
        after, events = {name: asked(s, name) for name in SERVICES}, s.status("executor", 10)["applied"] - began
        for name in SERVICES:
            own, others = (after[name][i] - before[name][i] for i in (0, 1))
            print("%-9s in %d events: %d calls of its own, %d of libraries" % (name, events, own, others))
            assert 0 < after[name][0], "%s was not counted" % name
            assert own <= events / 200, "%s: %d calls of malloc in %d events" % (name, own, events)


def sanitized():
    with open(os.path.join(BIN, "nightjar-collector"), "rb") as f:
        return re.search(rb"__[at]san_init", f.read()) is not None


PARTS = {"flat": flat, "outage": outage, "limits": limits, "allocations": allocations}
parts = [p for p in sys.argv[1:] or PARTS if p == "limits" or not sanitized()]
if not parts:
    skip("a sanitizer's malloc keeps what is freed, and cannot be counted")
for part in parts:
    print("== " + part, flush=True)
    PARTS[part]()
print("ok")
