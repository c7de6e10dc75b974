"""A journal at its cap while nobody stores: executor and strategy wait, also killed meanwhile, and the ledger is the undisturbed run's.
Live, safe mode comes before that, and goes when the persister is back."""
from live import MARKET, Live
from records import TS_EVENT, events, holes, journal, ledger_rows
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


TRADING_STATE, FILL, RUNNING, SAFE = 0x0404, 0x0302, 1, 3


def trading(s):
    """The state that the executor's journal names last; running where it names none."""
    states = [ev[10] for _, frame in journal(s.path("data", "executor", "journal")) for ev in events(frame)
              if ev[0] == TRADING_STATE]
    return states[-1] if states else RUNNING


def fills(s):
    return sum(ev[0] == FILL for _, frame in journal(s.path("data", "executor", "journal")) for ev in events(frame))


def live():
    """Equity records fill the journal; without them it would take an hour of trading."""
    settings = ("run.journal_cap=64KiB", "executor.equity_every=50ms")
    with Live("safe", settings=settings, strategy={"fast": "1", "slow": "2", "qty": "0.001"}) as s:
        s.start_venue()
        s.write_settings()
        for name in ("executor", "strategy", "collector"):
            s.start_service(name)
        s.until("safe mode", lambda: trading(s) == SAFE, 240)
        assert "the journal has no room" not in s.log("executor"), "safe mode came too late"
        before = fills(s)
        s.kill("executor")
        s.start_service("executor")
        s.until("a restart", lambda: s.log("executor").count("msg=start") > 1 and s.status("executor"), 60)
        intents = s.metric("strategy", "strategy_orders_total")
        s.until("a wish in safe mode", lambda: s.metric("strategy", "strategy_orders_total") > intents, 120)
        assert trading(s) == SAFE and fills(s) == before, "it traded in safe mode"
        s.start_service("persister")
        s.until("the end of safe mode", lambda: trading(s) == RUNNING, 60)
        s.until("trading again", lambda: fills(s) > 0 and s.rows("SELECT count(*) FROM fills")[0][0] > before, 120)
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
        assert not holes(s.database), holes(s.database)
    print("live: safe mode at three quarters of the cap, over when the persister was back")


def main():
    live()
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
