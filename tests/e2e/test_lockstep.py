"""In lockstep the same recording gives the same ledger, byte for byte, at any speed and load, over the bus and in one process."""
import subprocess
import sys

from records import candles, holes, ledger_digest, ledger_rows
from stack import LONG, Stack, btc_captures

END = 1723161904535092233  # stamp of the last recorded frame
FIELDS = {"order": 0x0301, "fill": 0x0302}


def run(name, capture, speed="max", load=0, sim_args=(), end=END, settings=()):
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(load)]
    try:
        with Stack(name, speed=speed, capture=capture, sim_args=sim_args, settings=settings) as s:
            s.start()
            s.wait_until_finished(end, 600 if LONG else 240)
            codes = s.stop()
            assert all(c == 0 for c in codes.values()), codes
            assert not holes(s.database), holes(s.database)
            parity = [ev for _, _, ev in ledger_rows(s.database) if ev[0] == 0x0007]
            assert not parity, "lockstep had %d parity exceptions" % len(parity)
            return ledger_digest(s.database), candles(s.database), list(ledger_rows(s.database))
    finally:
        for b in burners:
            b.kill()
            b.wait()


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
    first, first_candles, rows = run("max", capture)
    fills, orders = check_substance(rows)
    print("unlimited speed: %s; %d fills, %d order events, %d candles" % (first, fills, orders, len(first_candles)))
    plan = [("again", "max", 0), ("loaded", "max", 3), ("x20", "20", 0)]
    if LONG:
        plan += [("x1", "1", 0), ("x20-load", "20", 3)]
    for name, speed, load in plan:
        digest, cs, _ = run(name, capture, speed, load)
        print("%s: %s" % (name, digest))
        assert digest == first, "%s differs from the first run: %s, %s" % (name, digest, first)
        assert cs == first_candles, "%s has other candles" % name
    print("ok")


main()
