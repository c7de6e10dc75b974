"""A small journal does not fill up: what the persister has stored is given up, nothing is missing in the database, and a tap
from the beginning finds it there, or at the persister."""
import os
import subprocess

from records import holes, journal, ledger_rows
from stack import BIN, Stack, btc_captures

END = 1723161904535092233


def tap(s, *args):
    """Sequences of the executor's lane X as a tap from the beginning shows them."""
    argv = [os.path.join(BIN, "nj"), "tap", "-p", "executor", "--lane", "x", "-e", "-f", "%o", "-W", "60s", *args]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf")))
    return done.returncode, [int(seq) for seq in done.stdout.split()], done.stderr


def main():
    with Stack("trim", capture=btc_captures(), settings=("run.journal_cap=128KiB", "run.snapshot_events=1000")) as s:
        s.start()
        s.wait_until_finished(END, 120)
        stored = sum(1 for publisher, _, _ in ledger_rows(s.database) if publisher == "executor")
        everything, first = list(range(1, stored + 1)), journal(s.path("data", "executor", "journal"))[0][0]
        assert first > 1, "nothing was given up"
        none = ("--database", s.path("none.db"))
        for args in (("-o", "beginning"), ("-o", "beginning", *none)):
            code, seqs, err = tap(s, *args)
            assert code == 0 and seqs == everything, (args, code, len(seqs), stored, err)
        last = stored - first + 100  # more than the journal has
        assert tap(s, "-o", "-%d" % last)[1] == everything[-last:]
        s.kill("persister")
        code, seqs, err = tap(s, "-o", "beginning", *none)
        assert code == 0 and seqs == everything[first - 1:] and "left out" in err, (code, len(seqs), first, err)
        s.start_service("persister")
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
        assert not holes(s.database), holes(s.database)
        left = journal(s.path("data", "executor", "journal"))
        print("executor: %d records stored, %d left in its journal" % (stored, len(left)))
        assert len(left) < stored, "nothing was given up"
        assert left[-1][0] == stored, "the newest record is missing"
    print("ok")


main()
