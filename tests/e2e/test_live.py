"""A live account against venue_sim: orders, fills and the kill switch; no order is placed twice, no fill lost or booked twice, through lost
replies and SIGKILLs; a key that may withdraw sends nothing."""
import os
import signal
import time

from live import Live
from stack import LONG
from wsclient import rest

# Of the published example of a signed request.
ID = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
SEND = ("executor.mode=live", "executor.send=simulator", "executor.compare_every=2s", "executor.account=live", "strategy.ema_cross.account=live",
        "executor.equity_every=1s", "collector.streams=trade,depth", "run.recover_wait=5s")
STRATEGY = {"entry": "alternate", "qty": "0.01", "fast": "2", "slow": "3", "interval": "1s", "cancel_after": "2"}


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)


def orders(s, **change):
    reply = rest(s.port, "/nightjar/orders", *(("POST", change) if change else ()))
    assert reply.status == 200, reply.body
    return reply.json()


def at_venue(s):
    return orders(s)["orders"]


def venue_clock(s, ahead_s):
    reply = rest(s.port, "/nightjar/account", "POST", {"clock_ms": ahead_s * 1000})
    assert reply.status == 200, reply.body


def start_executor(s):
    s.start_service("executor", {"NIGHTJAR_EXECUTOR__KEY_ID": ID, "NIGHTJAR_EXECUTOR__KEY_FILE": s.path("key")})


def begin(s, settings=()):
    write(s.path("customer"), "%s\n%s\nBTC 5.00000000 0\nUSDT 1000000.00 0\n" % (ID, SECRET))
    write(s.path("key"), SECRET + "\n")
    s.sim_args += ("--account", s.path("customer"), "--trading")
    s.start_venue()
    venue_clock(s, 3600)
    s.write_settings()
    s.extra += ["executor.venue_url=http://127.0.0.1:%d" % s.port, "executor.venue_stream_url=ws://127.0.0.1:%d" % s.port] + list(settings)
    for name in ("persister", "strategy", "collector"):
        s.start_service(name)
    start_executor(s)


def state(s):
    rows = s.rows("SELECT state, reason FROM trading_states ORDER BY seq DESC LIMIT 1")
    return (rows[0]["state"], rows[0]["reason"]) if rows else None


def fills(s):
    return s.rows("SELECT client_order_id, trade_id, side, qty, qty_scale FROM fills ORDER BY seq")


def trade_until(s, n, what):
    s.until("%d trades %s" % (n, what), lambda: len(fills(s)) >= n, limit=120)


def same_at_both_ends(s):
    """Every trade of the venue is booked, once, and no order has come there twice."""
    said = orders(s)
    ids = [o["clientOrderId"] for o in said["orders"]]
    assert len(ids) == len(set(ids)), "an order was placed twice"
    booked = [(r["client_order_id"], r["trade_id"]) for r in fills(s)]
    assert len(booked) == len(set(booked)), "a trade was booked twice"
    there = sum(float(o["executedQty"]) for o in said["orders"])
    ours = sum(r["qty"] / 10 ** r["qty_scale"] for r in fills(s))
    return abs(there - ours) < 1e-9


def running(s):
    return state(s) and state(s)[0] == "running"


FAULTS = ({"fault": "lost", "of": "place"}, {"fault": "unknown", "of": "place"}, {"fault": "unavailable", "of": "place", "done": False},
          {"fault": "unavailable", "of": "place", "after_ms": 500, "hidden_ms": 500})


def loses_replies(s):
    for fault in FAULTS if LONG else FAULTS[:1]:
        n = s.metric("executor", "executor_venue_unknown_total")
        orders(s, **fault)
        s.until("an outcome that nobody knows: %s" % fault, lambda: s.metric("executor", "executor_venue_unknown_total") > n, limit=90)
    orders(s, muted=2, twice=2, swapped=1, late_ms=200)
    n = len(fills(s))
    trade_until(s, n + 1, "after lost replies")


def clocks_part(s):
    """The venue's clock is an hour ahead of ours from the start; when it leaps, a refusal says so, and we ask what it is."""
    said = rest(s.port, "/nightjar/account").json()
    assert said["out_of_time"] == 0, "a request bore another time than the venue's: %s" % said
    venue_clock(s, 7200)
    s.until("a refused stamp", lambda: s.metric("executor", "executor_venue_clock_refused_total") > 0)
    n = len(fills(s))
    trade_until(s, n + 1, "by the other clock")
    off = s.metric("executor", "executor_venue_clock_offset_ns") / 1e9
    assert -7300 < off < -7100, off


def subscription_has_no_answer(s):
    """Pings are answered and nothing else: that is told, and another connection is made."""
    n = s.metric("executor", "executor_venue_stream_connects_total")
    reply = rest(s.port, "/nightjar/account", "POST", {"drop": True, "unanswered": 1})
    assert reply.status == 200, reply.body
    s.until("the second connection", lambda: s.metric("executor", "executor_venue_stream_connects_total") >= n + 2)
    assert "does not answer the subscription" in s.log("executor")
    s.until("orders can be sent again", lambda: running(s))


def is_killed(s):
    """SIGKILL at any time, also between an order and its reply."""
    for i in range(5 if LONG else 1):
        orders(s, fault="lost", of="place")
        struck = s.metric("executor", "executor_venue_placed_total")
        s.until("an order on its way", lambda: s.metric("executor", "executor_venue_placed_total") > struck, limit=60)
        s.kill("executor", signal.SIGKILL)
        start_executor(s)
        s.until("orders can be sent again", lambda: s.metric("executor", "executor_venue_compared_total") > 0 and running(s), limit=90)


def obeys_a_ban(s):
    """418 with Retry-After: nothing is asked meanwhile, nor by the life after a SIGKILL."""
    wait, record = "requests wait: the venue refuses them", s.path("data", "executor.venue_hold")
    s.fault(fault="status", status=418, retry_after=600, stream="/api/v3/account")  # the balances, each two seconds
    s.until("the ban to be heard", lambda: wait in s.log("executor") and os.path.exists(record))
    with open(record) as f:
        assert 500 < int(f.read()) / 1e9 - time.time() < 600
    s.kill("executor", signal.SIGKILL)
    start_executor(s)
    s.until("the ban to be recalled", lambda: s.log("executor").count(wait) == 2)
    time.sleep(1)
    assert s.metric("executor", "executor_venue_compared_total") == 0
    s.kill("executor", signal.SIGKILL)
    os.unlink(record)
    start_executor(s)
    s.until("orders can be sent again", lambda: running(s) and s.metric("executor", "executor_venue_compared_total") > 0)


def obeys_the_kill_switch(s):
    assert s.nj("kill", "--yes", "--reason", "enough").returncode == 0
    s.until("no open order at the venue", lambda: all(o["status"] not in ("NEW", "PARTIALLY_FILLED") for o in at_venue(s)))
    time.sleep(1)  # what was on its way has arrived
    n = len(at_venue(s))
    time.sleep(2)
    assert len(at_venue(s)) == n, "an order after the kill switch"


def refuses_the_key(s):
    """One that may withdraw: nothing is sent with it."""
    n = len(at_venue(s))
    reply = rest(s.port, "/nightjar/account", "POST", {"withdraws": True})
    assert reply.status == 200, reply.body
    s.kill("executor", signal.SIGKILL)
    start_executor(s)
    s.until("the refusal", lambda: "may withdraw" in s.log("executor"))
    time.sleep(1)
    assert len(at_venue(s)) == n and s.metric("executor", "executor_venue_placed_total") == 0


def main():
    with Live("live", settings=SEND, strategy=STRATEGY) as s:
        s.sim_args = list(s.sim_args)
        begin(s)
        s.until("orders can be sent", lambda: running(s))
        trade_until(s, 1, "at first")
        print("trades", len(fills(s)))
        loses_replies(s)
        print("replies were lost", len(fills(s)))
        clocks_part(s)
        print("clocks parted", len(fills(s)))
        subscription_has_no_answer(s)
        is_killed(s)
        print("killed", len(fills(s)))
        obeys_a_ban(s)
        obeys_the_kill_switch(s)
        s.until("the same at both ends", lambda: same_at_both_ends(s))
        assert s.metric("executor", "executor_venue_quarantined_total") == 0, state(s)
        refuses_the_key(s)
        assert s.rows("SELECT count(*) AS n FROM venue_reports WHERE says = 'differs'")[0]["n"] == 0
        print("orders %d, trades %d" % (len(at_venue(s)), len(fills(s))))


if __name__ == "__main__":
    main()
