"""SIGTERM at random moments under load: exit 0 within the limit, and every record once, as if nobody had been stopped.

NJ_STOPS is how many (20; 1,000 with NJ_LONG), NIGHTJAR_SEED the seed of the moments.
"""
import os
import random
import signal
import time

from live import compare_with_journals
from records import holes, ledger_digest
from stack import LONG, SERVICES, Stack, btc_captures

END = 1723161904535092233
STOPS = int(os.environ.get("NJ_STOPS") or (1000 if LONG else 20))
SEED = int(os.environ.get("NIGHTJAR_SEED") or 1)
LIMIT_S = 10.0  # what a service has between SIGTERM and SIGKILL


def finish(s):
    s.wait_until_finished(END, 120)
    began = time.monotonic()
    codes = s.stop()
    assert all(c == 0 for c in codes.values()), codes
    return time.monotonic() - began


def one_run(capture, rng, stops):
    """Returns the ledger's digest, stops done, the longest of them."""
    longest, done = 0.0, 0
    with Stack("stop", speed="40" if stops else "max", capture=capture) as s:
        s.start()
        while done < stops and "end of the recording" not in s.log("collector"):
            time.sleep(rng.uniform(0.0, 0.35))
            name = SERVICES[done % len(SERVICES)]
            began = time.monotonic()
            code = s.kill(name, signal.SIGTERM)
            took = time.monotonic() - began
            assert code == 0, "%s ended with %s: %s" % (name, code, s.log(name)[-1500:])
            assert took < LIMIT_S, "%s took %.1f s" % (name, took)
            longest, done = max(longest, took), done + 1
            s.start_service(name)
        finish(s)
        assert not holes(s.database), holes(s.database)
        for name in SERVICES:
            text = s.log(name)
            assert "differs from the journal" not in text and "gone for good" not in text, text[-1500:]
            assert "drain took too long" not in text, text[-1500:]
        compare_with_journals(s, ("executor", "strategy"))
        return ledger_digest(s.database), done, longest


def main():
    capture = btc_captures()
    rng = random.Random(SEED)
    calm, _, _ = one_run(capture, rng, 0)
    total, worst = 0, 0.0
    while total < STOPS:
        digest, done, longest = one_run(capture, rng, STOPS - total)
        assert digest == calm, "%s instead of %s" % (digest, calm)
        assert done, "the recording ended before the first stop"
        total, worst = total + done, max(worst, longest)
    print("seed %d: %d stops, the longest took %.2f s; %s" % (SEED, total, worst, calm))
    print("ok")


main()
