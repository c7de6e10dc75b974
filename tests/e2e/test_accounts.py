"""Nothing of lane M goes unnoticed: market data at full speed, a strategy that stops and one that comes late.

The recording is played as fast as it can be, and nobody waits for anybody. For every consumer and every topic, what its publisher's
log holds is what it has handled, conflated and dropped, to the last record. A stopped strategy keeps nobody else from handling
everything. What was conflated is on record, and the same cores in lockstep, given the records, leave out the same again.
"""
import glob
import os
import signal
import socket
import sys

from live import compare_with_journals
from records import holes, ledger_rows, market_log, unpack
from stack import SERVICES, Stack, btc_captures, wait_for

END = 1723161904535092233
PARITY, CONFLATED, DROPPED, CAUSE, COUNT = 0x0007, 2, 3, 9, 16
BOOKS = (0x0102, 0x0103, 0x0108)
FOLLOWS = {"strategy": (0x0100, 0x0101, 0x0104, 0x0105) + BOOKS, "executor": (0x0100, 0x0101) + BOOKS, "persister": (0x0105,)}
SETTINGS = ("run.behind=1us", "run.wait_repair=120s", "run.log_cap=4GiB", "run.log_keep=24h", "run.replay_rate=1GiB")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def account(s, name):
    """What a consumer says of the collector's lane M."""
    st = s.status(name) or {}
    return {k: st.get("in.collector.m." + k, -1) for k in
            ("state", "published", "handled", "conflated", "dropped", "waiting", "missing", "unbalanced", "holes", "paged", "stalls")}


def balanced(a):
    return a["published"] == a["handled"] + a["conflated"] + a["dropped"] + a["waiting"] and a["unbalanced"] == 0


def settled(s, name, last):
    """It has all there is, and it adds up at every moment of the way."""
    a = account(s, name)
    if a["published"] < 0:
        return False
    assert balanced(a), "%s: %s" % (name, a)
    st = s.status(name) or {}
    return a["missing"] == 0 and a["waiting"] == 0 and a["state"] == 2 and a["published"] >= last and st and a


def logged(s):
    """Records of the collector's log by event, read without our code."""
    out = {}
    for body in market_log(s.path("data", "collector", "mlog")):
        id = unpack(body)[0][0]
        out[id] = out.get(id, 0) + 1
    return out


def of(counts, ids):
    return sum(counts.get(id, 0) for id in ids)


def parity_counts(s, publisher):
    sums = {CONFLATED: 0, DROPPED: 0}
    for name, _, ev in ledger_rows(s.database):
        if name == publisher and ev[0] == PARITY and ev[CAUSE] in sums:
            sums[ev[CAUSE]] += ev[COUNT]
    return sums


def start(s, late):
    s.port = free_port()
    s.sim_args = ["--listen", "127.0.0.1:%d" % s.port]
    s.write_settings()
    for name in SERVICES:
        if name != late:
            s.start_service(name)
    wait_for(lambda: all((s.status(n) or {}).get("in.collector.m.state") == 2 for n in ("executor", "strategy")), 60,
             "everybody to listen to the collector")
    s.start_venue()


def stopped_strategy(s):
    """While it stands still the collector publishes on and the executor takes all of it."""
    sent = lambda: (s.status("collector") or {}).get("m_events", 0)
    wait_for(lambda: sent() > 2000, 60, "the market")
    s.processes["strategy"].send_signal(signal.SIGSTOP)
    goal = sent() + 20000
    wait_for(lambda: sent() >= goal or "end of the recording" in s.log("collector"), 90, "20,000 more events beside a stopped strategy")
    at = of(logged(s), FOLLOWS["executor"])
    a = wait_for(lambda: settled(s, "executor", at), 60, "the executor beside a stopped strategy")
    assert a["dropped"] == 0 and a["conflated"] == 0, a
    s.processes["strategy"].send_signal(signal.SIGCONT)
    print("strategy stopped: the executor has all of %d" % a["published"])


def check_accounts(s):
    counts = logged(s)
    found = {}
    for name in FOLLOWS:
        expected = of(counts, FOLLOWS[name]) if name != "persister" else 0
        found[name] = wait_for(lambda name=name: settled(s, name, expected), 90, "%s to have everything" % name)
        if expected:
            assert found[name]["published"] == expected, "%s: %s of %d in the log" % (name, found[name], expected)
        print("%-9s %s" % (name, found[name]))
    for name in ("executor", "persister"):
        assert found[name]["conflated"] == 0, "%s conflates nothing: %s" % (name, found[name])
    assert all(a["dropped"] == 0 for a in found.values()), "the log had all of it: %s" % found
    return found


def check_record(s, found):
    """Each conflation is a parity exception, stored as any fact."""
    on_record = parity_counts(s, "strategy")
    assert on_record == {CONFLATED: found["strategy"]["conflated"], DROPPED: 0}, (on_record, found["strategy"])
    assert on_record[CONFLATED] > 0, "nothing was conflated: this test proves nothing"
    return on_record[CONFLATED]


def refold(s, conflated):
    """The strategy once more from its journal and the log, without a snapshot, in lockstep: the same calls, the same left out."""
    for path in glob.glob(s.path("data", "strategy", "journal", "snapshot*")):
        os.unlink(path)
    mark = len(s.log("strategy"))
    s.extra.append("run.pace=lockstep")
    for name in ("collector", "executor", "strategy"):
        s.start_service(name)
    wait_for(lambda: s.check_alive() or "msg=recovered" in s.log("strategy")[mark:], 120, "the strategy to have compared everything")
    assert "differing=0" in s.log("strategy")[mark:].split("msg=recovered", 1)[1].splitlines()[0], s.log("strategy")[mark:][-2000:]
    again = wait_for(lambda: s.metric("strategy_conflated_total") >= conflated and s.metric("strategy_conflated_total"), 60,
                     "the same conflations")
    assert again == conflated, "%d conflated, repeated %d" % (conflated, again)


class Accounts(Stack):
    def metric(self, name):
        return (self.status("strategy") or {}).get(name, 0)


def main():
    capture = btc_captures()
    with Accounts("accounts", speed="max", pace="live", capture=capture, settings=SETTINGS) as s:
        start(s, late="persister")
        stopped_strategy(s)
        s.start_service("persister")  # last values with their sequences, and on from there without a seam
        s.wait_until_finished(END, 240)
        found = check_accounts(s)
        codes = {name: s.kill(name, signal.SIGTERM) for name in reversed(SERVICES)}
        assert all(c == 0 for c in codes.values()), codes
        s.kill("venue_sim", signal.SIGTERM)
        assert not holes(s.database), holes(s.database)
        compare_with_journals(s)
        conflated = check_record(s, found)
        calls = found["strategy"]["handled"]
        refold(s, conflated)
        print("conflated %d of %d, repeated exactly" % (conflated, conflated + calls))
    print("ok")
    return 0


sys.exit(main())
