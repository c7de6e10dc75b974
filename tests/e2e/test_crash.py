"""SIGKILL of collector, strategy, executor and persister at random moments: the ledger is the undisturbed run's, byte for byte.

Lockstep, where venue_sim resumes at the collector's last frame. NJ_KILLS is the number of kills of each service (5; 125 in CI, 25 with NJ_LONG),
and where it is set all of them must come before the end of the recording. NIGHTJAR_SEED is the seed of the moments.
"""
import os
import random
import time

from records import candles, first_difference, holes, journal, ledger_digest
from stack import LONG, SERVICES, Stack, btc_captures

END = 1723161904535092233
ASKED = "NJ_KILLS" in os.environ
KILLS = int(os.environ.get("NJ_KILLS") or (25 if LONG else 5))
SEED = int(os.environ.get("NIGHTJAR_SEED") or 1)
NO_BAN = ("--weight-limit", "1000000")  # a life without a snapshot asks for all again: a venue would refuse it by the fiftieth


def finish(s):
    rows = s.wait_until_finished(END, 180)
    codes = s.stop()
    assert all(c == 0 for c in codes.values()), codes
    return rows


def storm(capture, rng, calm):
    """Compared while the storm's folder is still there: a difference leaves it for a look."""
    plan = [name for name in SERVICES for _ in range(KILLS)]
    rng.shuffle(plan)
    speed = str(max(1, min(20, (3000 if ASKED else 4000) // len(plan))))
    with Stack("storm", speed=speed, capture=capture, sim_args=NO_BAN) as s:
        s.start()
        began, killed = time.monotonic(), 0
        for name in plan:
            time.sleep(rng.uniform(0.05, max(0.2 if ASKED else 0.15, 24.0 / len(plan))))
            if "end of the recording" in s.log("collector"):
                break
            s.kill(name)
            s.start_service(name)
            killed += 1
        assert killed >= (len(plan) if ASKED else len(plan) // 2), "only %d of %d kills before the end" % (killed, len(plan))
        finish(s)
        print("%d kills in %.0f s" % (killed, time.monotonic() - began))
        check(s)
        digest = ledger_digest(s.database)
        print("storm:       %s" % digest)
        assert digest == ledger_digest(calm), "the ledger differs from the undisturbed run's\n%s" % first_difference(calm, s.database)
        assert candles(s.database) == candles(calm), "the candles differ from the undisturbed run's"


def check(s):
    assert not holes(s.database), "holes: %s" % holes(s.database)
    for name in SERVICES:
        text = s.log(name)
        assert "differs from the journal" not in text, text[-1500:]
        assert "gone for good" not in text, [l for l in text.splitlines() if "gone for good" in l][:3]
    for name in ("executor", "strategy"):
        seqs = [seq for seq, _ in journal(s.path("data", name, "journal"))]
        assert seqs == list(range(1, len(seqs) + 1)), "%s: its own journal has holes" % name


def main():
    capture = btc_captures()
    with Stack("calm", capture=capture) as s:
        s.start()
        finish(s)
        print("undisturbed: %s" % ledger_digest(s.database))
        print("seed %d, %d kills of each service" % (SEED, KILLS))
        storm(capture, random.Random(SEED), s.database)
    print("ok")


main()
