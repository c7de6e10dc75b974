"""A strategy that is gone for good: the executor, restarted, serves again after run.recover_wait, in safe mode and with its ledger;
nothing is filled until somebody has looked, and then it goes on with a strategy that began anew."""
import os
import shutil
import signal
import subprocess

from live import Live, compare_with_journals, until_stored
from records import holes
from stack import BIN, SERVICES

NJ = os.path.join(BIN, "nj")
SETTINGS = ("run.recover_wait=2s", "run.snapshot_every=5s", "run.snapshot_events=1000000", "executor.equity_every=1s")
RUNNING = 4


def fills(s):
    return s.rows("SELECT count(*) AS n FROM xlog WHERE event = 'fill'")[0]["n"]


def refused(s):
    return s.metric("executor", "executor_rejected_total")


def behind_its_snapshot(s):
    """The executor has published more since its last snapshot than a restart can take from it."""
    st = s.status("executor")
    if not st or st["snapshots"] == 0:
        return False
    more = lambda: (s.status("executor") or {"x_last": 0})["x_last"] >= st["x_last"] + 2  # noqa: E731
    s.until("more records", more, 30)
    return s.metric("executor", "snapshots") == st["snapshots"]


def trading(s):
    rows = s.rows("SELECT state, reason FROM trading_states_v ORDER BY at DESC LIMIT 1")
    return tuple(rows[0]) if rows else None


def main():
    with Live("absent", settings=SETTINGS, strategy={"fast": "1", "slow": "2"}) as s:
        s.start()
        s.until_trusted()
        s.until("fills", lambda: fills(s) > 0)
        s.until("records behind a snapshot", lambda: behind_its_snapshot(s))
        for name in ("executor", "strategy", "persister"):
            s.kill(name, signal.SIGKILL)
        before = len(s.log("executor"))
        shutil.rmtree(s.path("data", "strategy"))
        s.start_service("executor")
        s.until("the executor to serve", lambda: s.metric("executor", "life") == RUNNING)
        said = s.log("executor")[before:]
        assert "recovery cannot be finished" in said and "strategy is silent" in said, said[-2000:]
        assert said.count("rule=recovery_incomplete") == 1, said[-2000:]
        s.start_service("persister")
        s.until("safe mode on record", lambda: (trading(s) or ("", ""))[0] == "safe")
        assert "strategy" in trading(s)[1], trading(s)
        s.start_service("strategy")
        s.until_trusted()
        until_stored(s)
        held, no = fills(s), refused(s)
        s.until("intents to be refused", lambda: refused(s) > no + 2)
        until_stored(s)
        assert fills(s) == held, "filled in safe mode"
        subprocess.run([NJ, "reset", "--reason", "looked", "--config", s.path("nightjar.conf")], check=True, stdout=subprocess.DEVNULL,
                       timeout=60)
        s.until("fills after the reset", lambda: fills(s) > held)
        gone = s.log("strategy")
        s.kill("strategy", signal.SIGTERM)
        s.extra.append("run.run_id=other")
        s.start_service("strategy")
        s.until("the strategy to say whose run it is", lambda: "the run goes on under the id it began with" in s.log("strategy")[len(gone):])
        until_stored(s)
        codes = {name: s.kill(name, signal.SIGTERM) for name in reversed(SERVICES)}
        assert all(c == 0 for c in codes.values()), codes
        assert not {k: v for k, v in holes(s.database).items() if k[0] == "executor"}, holes(s.database)
        print("%d records of the executor, %d fills" % (compare_with_journals(s, ("executor",)), fills(s)))
    print("ok")


main()
