"""Every service dies at every named point of common/io/crash_points.def that its process comes to: the ledger is the undisturbed run's, byte for byte.

tests/chaos/bus kills stand-ins there and recounts a lane; here the real collector, strategy, executor and persister die, each of them many times in
one run of a recording, in lockstep, while the others die beside it. NIGHTJAR_SEED is the seed of the order of the points and of the passings.
"""
import os
import random
import re
import signal
import time

from records import candles, first_difference, holes, journal, ledger_digest
from stack import SERVICES, SOURCE, Stack, btc_captures

END = 1723161904535092233
SEED = int(os.environ.get("NIGHTJAR_SEED") or 1)
SPEED = os.environ.get("NJ_SPEED") or "4"  # 650 s of recording
SMALL = ("run.journal_cap=64KiB", "run.snapshot_events=500", "run.snapshot_every=2s")  # segments end and snapshots come while it lasts
PATIENCE, LIMIT = 1.5, 120  # seconds for a point that the service is not made to come to, and for one that it is

# How the names begin of the points that each must come to; all the others are tried as well. The collector says two things on lane X, at its very
# first start; the persister nothing.
START = ("segment.made", "segment.before_", "segment.after_", "replay.")
MUST = {"collector": START + ("snapshot.",), "persister": START + ("inbox.before", "store."),
        "strategy": START + ("snapshot.", "inbox.", "journal.", "publish."),
        "executor": START + ("snapshot.", "inbox.", "journal.", "publish.", "segment.rotated", "trim.")}
OFTEN = ("executor", "persister")  # have so much to say or to store that later passings than the first come as well
MANY = ("journal.", "publish.", "store.")


def points():
    with open(os.path.join(SOURCE, "common", "io", "crash_points.def")) as f:
        names = re.findall(r'^CRASH_POINT\(\w+, "([\w.]+)"', f.read(), re.M)
    assert len(names) > 20, "no table of crash points"
    return names


class Walk:
    """One service's way through the points: armed until it is dead, then a life without, until it answers."""

    def __init__(self, s, name, rng):
        self.s, self.name = s, name
        self.plan = ["%s:%d" % (p, rng.randint(1, 5) if name in OFTEN and p.startswith(MANY) else 1) for p in points()]
        rng.shuffle(self.plan)
        self.armed, self.deadline, self.died, self.never = None, 0, [], []

    def done(self):
        return not self.plan and not self.armed

    def begin(self, *settings):
        self.s.kill(self.name)
        self.s.start_service(self.name, more=settings)

    def step(self):
        if self.armed:
            self.watch(self.s.processes[self.name].poll())
        elif self.plan and self.s.status(self.name, 0.5):
            self.armed = self.plan.pop()
            self.deadline = time.monotonic() + (LIMIT if self.armed.startswith(MUST[self.name]) else PATIENCE)
            self.begin("run.crash_at=" + self.armed)

    def watch(self, code):
        if code is None and time.monotonic() < self.deadline:
            return
        assert code in (None, -signal.SIGKILL), "%s at %s ended with %s:\n%s" % (self.name, self.armed, code, self.s.log(self.name)[-1500:])
        (self.never if code is None else self.died).append(self.armed.split(":")[0])
        assert code or not self.armed.startswith(MUST[self.name]), "%s never came to %s\n%s" % (self.name, self.armed, self.s.tell(self.name))
        self.armed = None
        self.begin()


def walk(s, rng):
    """All four at the same time. Who waits for somebody to ask for a replay gets one: by the restart of one that is not armed."""
    walks = [Walk(s, name, rng) for name in SERVICES]
    asked = 0
    while not all(w.done() for w in walks):
        for w in walks:
            w.step()
        idle = [w for w in walks if w.done() and w.name != "collector"]
        if idle and any((w.armed or "").startswith("replay.") for w in walks) and time.monotonic() > asked + 1:
            rng.choice(idle).begin()
            asked = time.monotonic()
        assert "end of the recording" not in s.log("collector"), "the recording was over before: %s" % {w.name: (w.armed, w.plan) for w in walks}
        time.sleep(0.02)
    return walks


def check(s, calm):
    assert not holes(s.database), "holes: %s" % holes(s.database)
    for name in SERVICES:
        text = s.log(name)
        assert "differs from the journal" not in text, text[-1500:]
        assert "gone for good" not in text, [l for l in text.splitlines() if "gone for good" in l][:3]
    for name in ("executor", "strategy"):
        seqs = [seq for seq, _ in journal(s.path("data", name, "journal"))]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "%s: its own journal has holes" % name
    digest = ledger_digest(s.database)
    print("died:        %s" % digest)
    assert digest == ledger_digest(calm), "the ledger differs from the undisturbed run's\n%s" % first_difference(calm, s.database)
    assert candles(s.database) == candles(calm), "the candles differ from the undisturbed run's"


def finish(s):
    s.wait_until_finished(END, 180)
    codes = s.stop()
    assert all(c == 0 for c in codes.values()), codes


def main():
    capture = btc_captures()
    with Stack("calm", capture=capture, settings=SMALL) as calm:
        calm.start()
        finish(calm)
        print("undisturbed: %s" % ledger_digest(calm.database))
        with Stack("points", speed=SPEED, capture=capture, settings=SMALL) as s:
            s.start()
            began = time.monotonic()
            for w in walk(s, random.Random(SEED)):
                print("%-9s died at %d points; never came to %d: %s" % (w.name, len(w.died), len(w.never), " ".join(sorted(w.never)) or "-"))
            print("seed %d: %d points in %.0f s" % (SEED, len(points()), time.monotonic() - began))
            finish(s)
            check(s, calm.database)
    print("ok")


main()
