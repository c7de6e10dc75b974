"""Free running: nobody waits for anybody, the recording comes at 20x (and a part of it at 1x with NJ_LONG).

Every frame is accounted for, every intent ends in exactly one way, what came too late is on record, and the ledger can be worked
out again from what was recorded: an executor and a strategy without their snapshots come to the same records, each compared.
"""
import glob
import os
import re
import signal
import socket
import sys
import time

from live import compare_with_journals
from records import holes, ledger_rows
from stack import LONG, SERVICES, Stack, btc_captures, wait_for
from wsclient import rest

END = 1723161904535092233
INTENT, ORDER, PARITY = 0x0201, 0x0301, 0x0007
KIND, ORDINAL, STATUS, ORDER_ORDINAL = 9, 12, 16, 24  # places in an intent and in an order
FINAL = {3: "filled", 4: "cancelled", 5: "rejected", 6: "expired"}
OPEN = {1: "open", 2: "partial"}


def check_frames(s):
    """What the venue sent is what the collector counted."""
    streams = rest(s.port, "/nightjar/truth").json()["streams"]
    sent = sum(v["sent"] for v in streams.values())
    assert sum(v["frames"] for v in streams.values()) == sent, streams
    counted = s.status("collector")["collector_frames_total"]
    assert counted == sent, "%d frames sent, %d counted" % (sent, counted)
    return counted


def check_intents(s):
    """Orders of the strategy, by ordinal: one story each, with one end, or open at the end of the recording."""
    intents, stories, parity = set(), {}, {}
    for publisher, _, ev in ledger_rows(s.database):
        if ev[0] == INTENT and ev[KIND] == 1:
            assert ev[ORDINAL] not in intents, "intent %d twice" % ev[ORDINAL]
            intents.add(ev[ORDINAL])
        elif ev[0] == ORDER:
            stories.setdefault(ev[ORDER_ORDINAL], []).append(ev[STATUS])
        elif ev[0] == PARITY:
            parity[publisher] = parity.get(publisher, 0) + 1
    assert intents and intents == set(stories), "without an order: %s; without an intent: %s" % (
        sorted(intents - set(stories))[:5], sorted(set(stories) - intents)[:5])
    ends = {}
    for ordinal, story in stories.items():
        final = [x for x in story if x in FINAL]
        assert len(final) == 1 and story[-1] == final[0] or not final and story[-1] in OPEN, "%d: %s" % (ordinal, story)
        ends[story[-1]] = ends.get(story[-1], 0) + 1
    left = sum(n for status, n in ends.items() if status in OPEN)
    assert left <= 5, "%d orders without an end" % left
    return {{**FINAL, **OPEN}[k]: n for k, n in sorted(ends.items())}, parity


def refold(s):
    """All of it again: executor and strategy have their journals, the collector its log, and nobody a snapshot of the state.
    In lockstep: a live service without a snapshot takes its journal as it is."""
    for name in ("executor", "strategy"):
        for path in glob.glob(s.path("data", name, "journal", "snapshot*")):
            os.unlink(path)
    marks = {name: len(s.log(name)) for name in SERVICES}
    for name in ("collector", "persister"):
        s.start_service(name)
    s.extra.append("run.pace=lockstep")
    for name in ("strategy", "executor"):
        s.start_service(name)
    found = {}
    for name in ("executor", "strategy"):
        def line(name=name):
            s.check_alive()
            return re.findall(r"msg=recovered compared=(\d+) differing=(\d+)", s.log(name)[marks[name]:])
        compared, differing = (int(n) for n in wait_for(line, 90, "%s to have compared everything" % name)[-1])
        text = s.log(name)[marks[name]:]
        assert differing == 0 and "differs from the journal" not in text, "%s: %d differ: %s" % (name, differing, text[-2000:])
        assert "taken over" not in text and "gone for good" not in text, text[-2000:]
        assert compared, "%s compared nothing" % name
        found[name] = compared
    return found


def shell_records(s, name):
    return sum(1 for publisher, _, ev in ledger_rows(s.database) if publisher == name and ev[6] == 0)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(s):
    """The venue last: who consumes is there from the first record on, and that is where working it out again begins."""
    s.port = free_port()
    s.sim_args = ["--listen", "127.0.0.1:%d" % s.port]
    s.write_settings()
    for name in SERVICES:
        s.start_service(name)
    wait_for(lambda: all((s.status(n) or {}).get("in.collector.m.state") == 2 for n in ("executor", "strategy", "persister")), 60,
             "everybody to listen to the collector")
    s.start_venue()


def free_run(capture, speed, seconds=None):
    began = time.monotonic()
    with Stack("free", speed=speed, pace="live", capture=capture) as s:
        start(s)
        if seconds:
            time.sleep(seconds)
        else:
            s.wait_until_finished(END, 240)
            print("%d frames, each counted" % check_frames(s))
        codes = {name: s.kill(name, signal.SIGTERM) for name in reversed(SERVICES)}
        assert all(c == 0 for c in codes.values()), codes
        if seconds:  # what was published last is with its publisher still
            s.start_service("persister")
            for name in ("collector", "strategy", "executor"):
                s.start_service(name)
            time.sleep(2)
            for name in reversed(SERVICES):
                assert s.kill(name, signal.SIGTERM) == 0
        assert not holes(s.database), holes(s.database)
        n = compare_with_journals(s)
        ends, parity = check_intents(s)
        print("%d records; ends of intents: %s; too late: %s" % (n, ends, parity or "none"))
        totals = {name: sum(1 for p, _, _ in ledger_rows(s.database) if p == name) for name in ("executor", "strategy")}
        shells = {name: shell_records(s, name) for name in totals}
        found = refold(s)
        for name, compared in found.items():
            assert compared >= totals[name] - shells[name], "%s: %d of %d compared" % (name, compared, totals[name])
        print("worked out again: %s, none differs (%.0f s at %sx)" % (found, time.monotonic() - began, speed))


def main():
    capture = btc_captures()
    free_run(capture, "20")
    if LONG:
        free_run(capture, "1", 120)
    print("ok")
    return 0


sys.exit(main())
