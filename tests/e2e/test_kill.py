"""The kill switch on a running stack: at once, over SIGKILL, over a lost data folder, for an executor that is down; and
a loss that halts until somebody resets it."""
import json
import os
import shutil
import signal

from live import Live, until_stored
from stack import SERVICES

RECORD = "executor.kill"


def state(s):
    rows = s.rows("SELECT state FROM trading_states ORDER BY seq DESC LIMIT 1")
    return rows[0][0] if rows else None


def alerts(s, rule):
    return [tuple(r) for r in s.rows("SELECT state, message FROM alerts WHERE rule = ? ORDER BY seq", rule)]


def until_note(s, word):
    def told():
        rows = json.loads(s.nj("status", "executor", "--json").stdout or "[]")
        return rows and rows[0].get("note") == word
    s.until("the executor to be " + word, told)


def ok(done):
    assert done.returncode == 0, (done.args, done.returncode, done.stdout, done.stderr)
    return done.stdout


def accepted(s):
    """Orders that the database has; all that was said is in it."""
    until_stored(s)
    return s.rows("SELECT count(*) AS n FROM orders WHERE status = 'open'")[0]["n"]


def until_refused(s):
    before = s.metric("executor", "executor_rejected_total")
    s.until("an intent that is refused", lambda: s.metric("executor", "executor_rejected_total") > before)


def restart(s, name="executor"):
    s.kill(name)
    s.start_service(name)


def test_kill(s):
    s.until("orders", lambda: s.metric("executor", "executor_orders_total") > 0)
    assert s.nj("kill", "--reason", "a test").returncode == 2  # wants a yes
    assert s.nj("kill", "--yes").returncode == 2  # and a reason
    said = ok(s.nj("kill", "--yes", "--reason", "a test", "--owner", "ann"))
    assert "the kill switch is on: %s" % s.path("data", RECORD) in said and "trading is killed" in said, said
    with open(s.path("data", RECORD)) as f:
        assert f.read() == "ann\na test\n"
    until_note(s, "killed")


def test_it_outlives_a_sigkill(s):
    before = accepted(s)
    restart(s)
    until_note(s, "killed")
    until_refused(s)
    assert accepted(s) == before, (accepted(s), before)


def test_it_outlives_its_data(s):
    for name in SERVICES:
        s.kill(name)
    for name in os.listdir(s.path("data")):
        if name != RECORD:
            shutil.rmtree(s.path("data", name))
    for name in SERVICES:
        s.start_service(name)
    until_note(s, "killed")
    until_refused(s)
    assert accepted(s) == 0, accepted(s)
    s.until("the alert", lambda: alerts(s, "trading_killed"))
    assert alerts(s, "trading_killed") == [("raised", "a test")], alerts(s, "trading_killed")
    rows = s.rows("SELECT owner, reason FROM commands WHERE verb = 'kill'")
    assert [tuple(r) for r in rows] == [("ann", "a test")], [tuple(r) for r in rows]


def test_reset(s):
    assert s.nj("kill", "--reset", "--reason", "a test").returncode == 2
    assert "trading is running" in ok(s.nj("kill", "--reset", "--yes", "--reason", "mended"))
    assert not os.path.exists(s.path("data", RECORD))
    s.until("orders", lambda: s.metric("executor", "executor_orders_total") > 0)
    restart(s)
    until_note(s, "running")


def test_an_executor_that_is_down(s):
    s.kill("executor")
    before = s.rows("SELECT count(*) AS n FROM orders WHERE status = 'open'")[0]["n"]
    said = ok(s.nj("kill", "--yes", "--reason", "while it was down"))
    assert "it will start with it" in said, said
    s.start_service("executor")
    until_note(s, "killed")
    assert accepted(s) == before, (accepted(s), before)
    ok(s.nj("kill", "--reset", "--yes", "--reason", "mended"))


def test_a_loss(s):
    """A limit that is set while it runs; what it halts stays halted until somebody resets it, and is told once."""
    with open(s.path("nightjar.conf"), "a") as f:
        f.write('executor\n    drawdown_max = "0.01"\n')  # less than one order's fee, whatever the market does
    s.until("the loss limit", lambda: s.nj("reload", "executor").returncode == 0)
    until_note(s, "halted")
    restart(s)
    until_note(s, "halted")
    s.nj("resume", "--all", "--reason", "a test")
    until_note(s, "halted")
    s.until("the alert", lambda: alerts(s, "trading_halted"))
    told = alerts(s, "trading_halted")
    assert len(told) == 1 and told[0][0] == "raised" and "executor.drawdown_max = 0.01" in told[0][1], told
    done = s.nj("reset", "--reason", "looked at it")
    assert done.returncode in (0, 4), done  # 4: the next loss has halted it already
    s.until("the end of the alert", lambda: alerts(s, "trading_halted")[1:2])
    assert alerts(s, "trading_halted")[1][0] == "resolved", alerts(s, "trading_halted")


def main():
    with Live("kill", settings=("executor.equity_every=100ms",), strategy={"fast": "1", "slow": "2"}) as s:
        s.start()
        for test in (test_kill, test_it_outlives_a_sigkill, test_it_outlives_its_data, test_reset, test_an_executor_that_is_down,
                     test_a_loss):
            test(s)
            print(test.__name__)
        for name in reversed(SERVICES):
            assert s.kill(name, signal.SIGTERM) == 0, name
    print("ok")


main()
