"""A small journal does not fill up: what the persister has stored is given up, and nothing is missing in the database."""
from records import holes, journal, ledger_rows
from stack import Stack, btc_captures

END = 1723161904535092233


def main():
    with Stack("trim", capture=btc_captures(), settings=("run.journal_cap=128KiB", "run.snapshot_events=1000")) as s:
        s.start()
        s.wait_until_finished(END, 120)
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
        assert not holes(s.database), holes(s.database)
        stored = sum(1 for publisher, _, _ in ledger_rows(s.database) if publisher == "executor")
        left = journal(s.path("data", "executor", "journal"))
        print("executor: %d records stored, %d left in its journal" % (stored, len(left)))
        assert len(left) < stored, "nothing was given up"
        assert left[-1][0] == stored, "the newest record is missing"
    print("ok")


main()
