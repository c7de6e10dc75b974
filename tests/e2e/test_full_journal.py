"""A journal at its cap while nobody stores: executor and strategy wait, also killed meanwhile, and the ledger is the undisturbed run's."""
from records import TS_EVENT, holes, ledger_rows
from stack import Stack, btc_captures, wait_for

END = 1723161904535092233
SETTINGS = ("run.journal_cap=64KiB", "run.lockstep_consumers=strategy,executor")


def results(s):
    """What the cores made, without epoch, sequence (the shell's alerts take some) and time of sending."""
    return [r[:3] + r[5:8] + r[9:] for publisher, _, r in ledger_rows(s.database)
            if r[TS_EVENT] != 0 and publisher in ("collector", "executor", "strategy")]


def undisturbed(capture):
    with Stack("room", capture=capture) as s:
        s.start()
        s.wait_until_finished(END, 60)
        s.stop()
        return results(s)


def held(s):
    s.check_alive()
    return "the journal has no room" in s.log("executor")


def main():
    capture = btc_captures()
    calm = undisturbed(capture)
    with Stack("full", capture=capture, settings=SETTINGS) as s:
        s.start_venue()
        s.write_settings()
        for name in ("executor", "strategy", "collector"):
            s.start_service(name)
        wait_for(lambda: held(s), 60, "a full journal")
        before = s.status("executor")["x_last"]
        s.kill("executor")
        s.start_service("executor")
        wait_for(lambda: s.log("executor").count("the journal has no room") > 1, 30, "a full journal after a restart")
        wait_for(lambda: (s.status("executor") or {"x_last": 0})["x_last"] >= before, 30, "what the journal had")
        assert "end of the recording" not in s.log("collector")
        s.start_service("persister")
        s.wait_until_finished(END, 60)
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
        assert not holes(s.database), holes(s.database)
        full = results(s)
    print("%d results undisturbed, %d with a full journal" % (len(calm), len(full)))
    assert full == calm and calm, "the ledger differs from the undisturbed run's"
    print("ok")


main()
