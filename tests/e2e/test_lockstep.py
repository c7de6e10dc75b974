"""In lockstep the same recording gives the same ledger, byte for byte, at any speed and load, over the bus and in one process."""
import json
import os
import random
import signal
import subprocess
import sys
import threading

from records import candles, holes, lane_digests, ledger_digest, ledger_rows
from stack import BIN, LONG, SERVICES, Stack, btc_captures

END = 1723161904535092233 + 5 * 10**9  # stamp of the last recorded frame, and the time that is played after it
WHOLE_LOG = ("run.log_cap=4GiB", "run.log_keep=24h")  # lane M of the whole recording stays
FIELDS = {"order": 0x0301, "fill": 0x0302, "gap": 0x0006}


class Freezer(threading.Thread):
    """Stops one process of the stack after the other for a moment: a machine that does everything at the wrong time."""

    def __init__(self, stack, seed):
        super().__init__(daemon=True)
        self.stack, self.random, self.over, self.freezes = stack, random.Random(seed), threading.Event(), 0

    def run(self):
        while not self.over.wait(self.random.random() * 0.05):
            p = self.stack.processes.get(self.random.choice(SERVICES + ("venue_sim",)))
            if p and p.poll() is None:
                p.send_signal(signal.SIGSTOP)
                self.over.wait(self.random.choice((0.01, 0.05, 0.2, self.random.random())))
                p.send_signal(signal.SIGCONT)
                self.freezes += 1

    def end(self):
        self.over.set()
        self.join()


def run(name, capture, speed="max", load=0, frozen=0, end=END, settings=(), fused=False):
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(load)]
    try:
        with Stack(name, speed=speed, capture=capture, settings=settings) as s:
            s.start()
            freezer = Freezer(s, frozen)
            if frozen:
                freezer.start()
            try:
                s.wait_until_finished(end, 1200 if LONG else 240)
            finally:
                if frozen:
                    freezer.end()
                    print("%s: stopped %d times for a moment (seed %d)" % (name, freezer.freezes, frozen))
            assert not frozen or freezer.freezes > 5, "it was hardly disturbed"
            codes = s.stop()
            assert all(c == 0 for c in codes.values()), codes
            assert not holes(s.database), holes(s.database)
            gaps = [(ev[2], ev) for _, _, ev in ledger_rows(s.database) if ev[0] == FIELDS["gap"]]
            assert not gaps, "lockstep had gaps: %s" % gaps[:3]
            parity = [ev for _, _, ev in ledger_rows(s.database) if ev[0] == 0x0007]
            assert not parity, "lockstep had %d parity exceptions" % len(parity)
            if fused:
                check_fused(s, capture)
            return ledger_digest(s.database), candles(s.database), list(ledger_rows(s.database))
    finally:
        for b in burners:
            b.kill()
            b.wait()


def check_fused(s, capture):
    """The same cores in one process without sockets: the same events on every lane of every publisher, to the byte."""
    files, info = capture
    bus = lane_digests(s.database, s.path("data", "collector", "mlog"))
    argv = [os.path.join(BIN, "nj"), "replay", "--config", s.path("nightjar.conf"), "--capture", ",".join(files),
            "--exchange-info", info, "--digest", "--json"]
    rows = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=120).stdout)
    said = {row["name"]: row["value"] for row in rows}
    for lane, (n, sha) in bus.items():
        print("one process, %-12s %6d events, %s" % (lane + ":", n, sha[:16]))
        assert n > 0, "nothing was said on " + lane
        assert (int(said["events." + lane]), said["sha256." + lane]) == (n, sha), \
            "%s: %d events %s over the bus, %s events %s in one process" % (
                lane, n, sha, said["events." + lane], said["sha256." + lane])
    own = [c for c in candles(s.database) if not c[3]]
    assert int(said["candles"]) == len(own), "%s candles in one process, %d stored" % (said["candles"], len(own))


def check_substance(rows):
    """Agreement on nothing must not pass."""
    fills = [ev for _, _, ev in rows if ev[0] == FIELDS["fill"]]
    orders = [ev for _, _, ev in rows if ev[0] == FIELDS["order"]]
    kinds = {(o[14], o[16], o[17]) for o in orders}  # type, status, reject
    assert len(fills) >= 50, "only %d fills" % len(fills)
    assert any(status == 2 for _, status, _ in kinds), "no partial fill"
    assert any(kind == 2 for kind, _, _ in kinds), "no limit order"
    assert any(status == 5 and reject for _, status, reject in kinds), "no typed rejection"
    return len(fills), len(orders)


def main():
    capture = btc_captures()
    first, first_candles, rows = run("max", capture, settings=WHOLE_LOG, fused=True)
    fills, orders = check_substance(rows)
    print("unlimited speed: %s; %d fills, %d order events, %d candles" % (first, fills, orders, len(first_candles)))
    seed = int(os.environ.get("NIGHTJAR_SEED", "20261122"))
    plan = [("again", "max", 0, 0), ("loaded", "max", 3, 0), ("frozen", "max", 3, seed), ("x20", "20", 0, 0)]
    if LONG:
        plan += [("x1", "1", 0, 0), ("x20-load", "20", 3, 0)] + [("frozen-%d" % k, "max", 2, seed + k) for k in range(1, 9)]
    for name, speed, load, frozen in plan:
        digest, cs, _ = run(name, capture, speed, load, frozen)
        print("%s: %s" % (name, digest))
        assert digest == first, "%s differs from the first run: %s, %s" % (name, digest, first)
        assert cs == first_candles, "%s has other candles" % name
    print("ok")


main()
