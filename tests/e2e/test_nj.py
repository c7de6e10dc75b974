"""nj against a real stack that its watchdog supervises: tap, status, ps, orders to units, pauses, logs, doctor, pages."""
import json
import os
import re
import signal
import subprocess
import sys
import time

from live import Live
from stack import BIN, SERVICES

NJ = os.path.join(BIN, "nj")
TOPIC = "trade.BINANCE.BTCUSDT"


class Native(Live):
    """The watchdog starts the others, as in native mode."""

    def start(self):
        self.start_venue()
        self.write_settings()
        self.extra += ["watchdog.supervise=true", "watchdog.bin=" + BIN, "log.dir=" + self.path("logs"), "log.stderr=false",
                       "executor.accounts=hedge"]
        self.start_service("watchdog")

    def __exit__(self, *exc):
        self.kill("watchdog", signal.SIGTERM)
        super().__exit__(*exc)

    def nj(self, *args, code=0, timeout=60, text=True):
        env = dict(os.environ, NIGHTJAR_CONFIG=self.path("nightjar.conf"), NO_COLOR="1")
        done = subprocess.run([NJ, *args], capture_output=True, timeout=timeout, env=env, stdin=subprocess.DEVNULL)
        if code is not None and done.returncode != code:
            raise AssertionError("nj %s: exit code %s, not %s\n%s\n%s" % (
                " ".join(args), done.returncode, code, done.stdout[-2000:], done.stderr[-2000:]))
        return done.stdout.decode() if text else done.stdout

    def services(self):
        return {row["service"]: row for row in json.loads(self.nj("status", "--json", code=None))}


# ---- tap ----

def test_tap_forms(s):
    rows = [json.loads(line) for line in s.nj("tap", "trade", "-c", "3", "-J", "-W", "20s").splitlines()]
    assert len(rows) == 3 and all(r["topic"] == TOPIC and r["origin"] == "simulated" for r in rows), rows
    assert [r["seq"] for r in rows] == list(range(rows[0]["seq"], rows[0]["seq"] + 3))
    text = s.nj("tap", "-t", "trade", "-C", "2", "-f", r"%t|%e|%k|%p|%O|%L|%g|\x41", "-W", "20s")
    assert text == (TOPIC + "|trade|BTCUSDT.BINANCE|collector|simulated|m|0|A\n") * 2, text
    assert len(s.nj("tap", "trade", "-c", "2", "-N", "-f", "%o", "-W", "20s").splitlines()) == 1
    assert s.nj("tap", "trade", "-c", "2", "-f", "x", "-D", r"\0", "-W", "20s") == "x\0x\0"
    raw = s.nj("tap", "trade", "-c", "1", "--raw", "-W", "20s", text=False)
    assert raw.startswith(TOPIC.encode() + b"\0\xdc"), raw[:40]
    dump = s.nj("tap", "trade", "-c", "1", "--hexdump", "-W", "20s")
    assert dump.startswith(TOPIC + " trade collector#") and "00000000  dc " in dump, dump
    assert json.loads(s.nj("tap", "book.*.BTCUSDT", "-c", "1", "--pretty", "-W", "20s"))["event"].startswith("book_")
    people = s.nj("tap", "trade", "-c", "1", "-W", "20s")
    assert re.match(r"^\d{4}-\d\d-\d\dT[\d:.]+Z trade BTCUSDT.BINANCE price=", people) and "\x1b" not in people, people


def test_tap_filters(s):
    topics = set(s.nj("tap", "-T", "trade", "-T", "book", "-c", "5", "-f", "%t", "-W", "20s").split())
    assert not any(t.startswith(("trade", "book", "heartbeat", "promise", "metrics")) for t in topics), topics
    assert s.nj("tap", "heartbeat.executor", "-c", "1", "-f", "%t", "-W", "20s") == "heartbeat.executor\n"
    shown = s.nj("tap", "--telemetry", "-p", "executor", "--lane", "m", "-c", "4", "-f", "%p", "-W", "20s")
    assert shown == "executor\n" * 4, shown
    s.nj("tap", "nothing.of.the.kind", "-W", "300ms", code=5)
    s.nj("tap", "trade", "-c", "1000000", "-W", "500ms", "-q", code=5)
    s.nj("tap", "--sample", "0", "-W", "500ms", code=5)
    for wrong in (("-f", "%z"), ("--json", "--raw"), ("-c", "0"), ("--lane", "y")):
        s.nj("tap", *wrong, code=2)


def test_tap_stats(s):
    lines = s.nj("tap", "--stats", "-W", "1500ms", "-i", "0").splitlines()
    assert lines[0].split()[:4] == ["TOPIC", "PUBLISHER", "LANE", "EVENTS"], lines[0]
    assert any(line.startswith(TOPIC) for line in lines), lines
    rows = [json.loads(line) for line in s.nj("tap", "--stats", "-J", "--top", "2", "-W", "1s", "-i", "0").splitlines()]
    assert len(rows) == 2 and all(float(r["rate"]) > 0 and r["missing"] == 0 and 0 < r["p50"] <= r["p99"] for r in rows), rows


def frames_of(file):
    """Records of a recording, each with its head of 20 bytes."""
    with open(file, "rb") as f:
        data, at, found = f.read(), 16, []
    while at < len(data):
        n = 20 + int.from_bytes(data[at:at + 4], "little")
        found.append(data[at:at + n])
        at += n
    return found


def test_tap_recordings(s):
    file, cut = s.path("one.njtap"), s.path("cut.njtap")
    s.nj("tap", "--record", file, "-W", "1500ms")
    lines = s.nj("tap", "--read", file, "-f", "%t %o").splitlines()
    assert len(lines) > 10 and any(line.startswith(TOPIC) for line in lines), len(lines)
    assert len(s.nj("tap", "--read", file, "trade", "-c", "2").splitlines()) == 2
    assert TOPIC in s.nj("tap", "--read", file, "--stats")
    s.nj("tap", "--record", file, "-W", "1s", code=1)  # is there already
    with open(file, "rb") as f, open(cut, "wb") as out:
        out.write(f.read()[:-1])
    assert s.nj("tap", "--read", cut, "-f", "%t %o", code=6).splitlines() == lines[:-1]
    # A frame taken out in the middle is a gap: told, and by the exit code.
    frames = frames_of(file)
    middle = [i for i, f in enumerate(frames) if f[20:].startswith(TOPIC.encode())][3]
    with open(file, "rb") as f, open(s.path("gap.njtap"), "wb") as out:
        out.write(f.read(16) + b"".join(frames[:middle] + frames[middle + 1:]))
    gaps = s.nj("tap", "--read", s.path("gap.njtap"), "trade", "-f", "%g", code=6).split()
    assert sum(map(int, gaps)) >= 1 and gaps.count("0") == len(gaps) - 1, gaps
    s.nj("tap", "--read", s.path("nightjar.conf"), code=6)
    s.nj("tap", "--read", s.path("none"), code=1)


def test_tap_ends_quietly(s):
    env = dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf"))
    p = subprocess.Popen([NJ, "tap"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    p.stdout.readline()
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=10)
    assert p.returncode == 130 and err == b"", (p.returncode, err)
    p = subprocess.Popen([NJ, "tap", "-u"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    p.stdout.readline()
    p.stdout.close()  # as head does
    assert p.wait(10) == 0 and p.stderr.read() == b""
    p.stderr.close()


# ---- status, ps, units ----

def test_status(s):
    table = s.nj("status").splitlines()
    assert table[0].split()[:3] == ["SERVICE", "STATE", "PID"] and len(table) == 6, table
    rows = s.services()
    assert set(rows) == set(SERVICES) | {"watchdog"}, rows
    for name, row in rows.items():
        assert row["state"] == "running" and row["well"] and row["errors"] == 0 and row["rss_bytes"] > 1 << 20, row
        assert row["values"]["life"] == 4 and row["version"] and row["uptime_ns"] > 0, row
    assert rows["executor"]["values"]["in.collector.m.state"] == 2
    assert rows["executor"]["note"] == "running" and rows["collector"]["note"] == "connected"
    assert rows["collector"]["data"] == "simulated" and 0 <= rows["collector"]["data_age_ns"] < 60 * 10**9, rows["collector"]
    assert "data" not in rows["executor"] and "Data: simulated, the last " in s.nj("status", "collector")
    block = s.nj("status", "executor")
    assert "Main PID: %d" % rows["executor"]["pid"] in block and "collector.m  live" in block, block
    assert s.nj("status", "-o", "tsv", "--columns", "service,state", "persister") == "service\tstate\npersister\trunning\n"
    s.nj("status", "nobody", code=2)
    empty = subprocess.run([NJ, "status", "--set", "bus.dir=" + s.path("nowhere")], capture_output=True)
    assert empty.returncode == 3 and b"nothing runs" in empty.stderr, empty


def test_lag(s):
    rows = {(r["consumer"], r["publisher"], r["lane"]): r for r in json.loads(s.nj("lag", "--json"))}
    for consumer in ("strategy", "executor", "persister"):
        r = rows[consumer, "collector", "m"]
        assert r["state"] == "live" and r["adds_up"], r
        assert consumer == "persister" or r["published"] > 0 and r["topics"] > 0, r
        assert r["published"] == r["handled"] + r["conflated"] + r["dropped"] + r["waiting"], r
    assert rows["strategy", "executor", "x"]["published"] > 0 and rows["watchdog", "collector", "t"]["adds_up"], rows
    table = s.nj("lag", "strategy").splitlines()
    assert table[0].split()[:3] == ["CONSUMER", "PUBLISHER", "LANE"] and all(r.startswith("strategy") for r in table[1:]), table
    s.nj("lag", "nobody", code=2)


def test_units(s):
    rows = {r["unit"]: r for r in json.loads(s.nj("ps", "--json"))}
    assert all(r["state"] == "RUNNING" for r in rows.values()) and len(rows) == 5, rows
    before = s.services()["strategy"]["pid"]
    assert rows["strategy"]["pid"] == before and rows["strategy"]["deaths"] == 0, rows
    out = s.nj("restart", "strategy")
    after = s.services()["strategy"]
    assert after["state"] == "running" and after["pid"] != before and "pid %d" % after["pid"] in out, out
    assert s.nj("stop", "collector").startswith("collector  STOPPED")
    states = {r["unit"]: r["state"] for r in json.loads(s.nj("ps", "--json", code=4))}
    assert states["collector"] == "STOPPED" and states["executor"] == "RUNNING", states
    assert "stopped" in s.nj("status", "collector", code=3)
    s.nj("status", code=4)
    s.nj("wait", "--stopped", "collector")
    s.nj("wait", "collector", "--timeout", "300ms", code=5)
    s.nj("start", "all")
    s.nj("wait")
    s.nj("restart", "nobody", code=2)
    s.nj("restart", "watchdog", code=2)


def test_trend(s):
    s.until("metrics of all", lambda: all(r["threads"] > 0 and r["fds"] > 0 for r in json.loads(s.nj("trend", "--json"))), 60)
    rows = {r["service"]: r for r in json.loads(s.nj("trend", "--json"))}
    assert set(rows) == {"collector", "strategy", "executor", "persister"}, rows
    assert all(r["memory"] > 1 << 20 and r["memory_6h"] is None and r["memory_7d"] is None for r in rows.values()), rows
    assert [r["service"] for r in json.loads(s.nj("trend", "executor", "--json"))] == ["executor"]
    s.nj("trend", "nobody", code=2)


# ---- pause and resume ----

def test_pause_and_resume(s):
    s.nj("pause", code=2)  # wants a reason
    assert s.nj("pause", "--for", "10m", "--reason", "a test", "--owner", "tester").startswith("paused for 10m0s")
    row = s.services()["executor"]
    assert row["note"] == "paused" and row["well"], row
    assert s.nj("pause", "--lease", "20m", "--reason", "another", "--owner", "second").startswith("paused for 20m0s")
    assert "others' are not" in s.nj("resume", "--reason", "it is over", "--owner", "tester", code=4)
    assert s.services()["executor"]["note"] == "paused"
    assert s.nj("resume", "--all", "--reason", "it is over").startswith("running")
    assert s.services()["executor"]["note"] == "running"
    # Journalled before it took effect, with who and why.
    accepted = "SELECT verb, owner, reason FROM commands WHERE source = 'executor' AND role = 'operator' ORDER BY seq"
    s.until("the record of it", lambda: len(s.rows(accepted)) == 4, 30)
    commands = [tuple(r) for r in s.rows(accepted)]
    assert commands[0] == ("pause", "tester", "a test") and commands[2][0] == "resume", commands
    states = [r["state"] for r in s.rows("SELECT state FROM trading_states WHERE account = 'paper' ORDER BY seq")]
    assert states[-2:] == ["paused", "running"], states
    assert s.nj("pause", "--for", "1s", "--reason", "a short one").startswith("paused")
    s.until("the lease to end", lambda: s.services()["executor"]["note"] == "running", 10)


def test_one_account(s):
    """What is meant for an account is for that one alone, and said of it; one that is not there is refused by its name."""
    assert s.nj("pause", "--account", "hedge", "--reason", "of one").startswith("hedge: paused for 1h")
    states = "SELECT account, state FROM trading_states ORDER BY seq DESC LIMIT 1"
    s.until("the record of it", lambda: [tuple(r) for r in s.rows(states)] == [("hedge", "paused")], 30)
    assert s.nj("reset", "-a", "paper", "--reason", "of another").startswith("paper: running")
    assert s.nj("resume", "-a", "hedge", "--reason", "over").startswith("hedge: running")
    for verb in (("pause",), ("resume",), ("reset",), ("flatten", "--yes")):
        done = subprocess.run([NJ, *verb, "-a", "hege", "--reason", "a slip", "--config", s.path("nightjar.conf")], capture_output=True, text=True)
        assert done.returncode == 1 and "there is no account 'hege'; there are: paper, hedge" in done.stderr, (verb, done)


# ---- orders to services ----

def test_orders(s):
    s.nj("log-level", "debug", "executor")
    s.nj("log-level", "loud", code=1)
    s.nj("log-level", "info")
    assert s.rows("SELECT 1 FROM commands WHERE verb = 'log_level'") is not None
    lines = s.nj("snapshot", "executor", "strategy").splitlines()
    assert len(lines) == 2 and all("is on disk" in line for line in lines), lines
    with open(s.path("nightjar.conf")) as f:
        was = f.read()
    try:
        with open(s.path("nightjar.conf"), "w") as f:
            f.write(was + "executor\n    loss_max = 5000\n")
        assert "changed: executor.loss_max" in s.nj("reload", "executor"), "reload"
        assert "nothing has changed" in s.nj("reload", "executor")
        with open(s.path("nightjar.conf"), "w") as f:
            f.write(was + "executor\n    loss_max = 6000\n    account = \"other\"\n")
        refused = subprocess.run([NJ, "reload", "executor"], capture_output=True, timeout=60, check=False,
                                 env=dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf"), NO_COLOR="1"))
        line = was.count("\n") + 3
        assert refused.returncode == 1 and ("nightjar.conf:%d: executor.account cannot change" % line) in refused.stderr.decode(), refused
    finally:
        with open(s.path("nightjar.conf"), "w") as f:
            f.write(was)
    s.until("the change on record", lambda: [tuple(r) for r in s.rows(
        "SELECT target, value FROM commands WHERE verb = 'reload' AND source = 'executor'")] == [("executor.loss_max", "5000")], 10)
    s.nj("reload", "executor")


def position(s):
    rows = s.rows("SELECT qty FROM positions ORDER BY seq DESC LIMIT 1")
    return rows[0][0] if rows else 0


def test_flatten(s):
    s.nj("cancel", "--reason", "a test", code=2)  # wants a name, or --all
    s.nj("cancel", "--all", "ema_cross", "--reason", "a test", code=2)
    assert "no open order" in s.nj("cancel", "nobody", "--reason", "a test")
    s.until("it on record", lambda: s.rows("SELECT 1 FROM commands WHERE verb = 'cancel' AND target = 'nobody'"), 20)
    s.nj("flatten", "--reason", "a test", code=2)  # wants a yes
    s.until("a position", lambda: position(s) > 0, 150)
    assert any(row["instrument"] == "BTCUSDT.BINANCE" and row["account"] == "paper" for row in json.loads(s.nj("positions", "--json")))
    every = json.loads(s.nj("orders", "--all", "--json"))
    assert any(row["status"] == "filled" and row["strategy"] == "ema_cross" and row["average"] for row in every), every
    assert all(row["status"] in ("pending", "open", "partial") for row in json.loads(s.nj("orders", "--json")))
    assert s.nj("pause", "--lease", "10m", "--reason", "a test", "--owner", "flat").startswith("paused")
    assert "nothing is left to close" in s.nj("flatten", "--yes", "--reason", "a test")
    s.until("the position to be gone", lambda: position(s) == 0, 20)
    assert json.loads(s.nj("positions", "--account", "paper", "--json")) == []
    own = s.rows("SELECT strategy, status FROM orders WHERE intent_ordinal = 0 AND status = 'filled'")
    assert not own or all(r["strategy"] == "ema_cross" for r in own), [tuple(r) for r in own]
    assert s.rows("SELECT 1 FROM commands WHERE verb = 'flatten' AND reason = 'a test'")
    s.nj("resume", "--owner", "flat", "--reason", "a test")


# ---- logs ----

def test_logs(s):
    lines = s.nj("logs", "-n", "1000").splitlines()
    times = [re.match(r"time=(\S+) ", line).group(1) for line in lines]
    assert times == sorted(times) and len(lines) > 20
    assert {re.search(r" service=(\w+)", line).group(1) for line in lines} >= set(SERVICES)
    own = s.nj("logs", "executor", "-n", "5").splitlines()
    assert len(own) == 5 and all(" service=executor " in line for line in own), own
    assert all("life=running" in line for line in s.nj("logs", "--grep", "life=running").splitlines())
    assert s.nj("logs", "--level", "error") == ""
    assert len(s.nj("logs", "--since", "1h").splitlines()) >= len(lines)
    env = dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf"))
    p = subprocess.Popen([NJ, "logs", "-f", "-n", "0", "strategy"], stdout=subprocess.PIPE, env=env, text=True)
    time.sleep(0.5)
    s.nj("restart", "strategy")
    assert " service=strategy " in p.stdout.readline()
    p.kill()
    p.communicate()


# ---- doctor ----

def diagnosis(s, *args, code):
    found = json.loads(s.nj("doctor", "--json", *args, code=code))
    assert found["ok"] + found["warn"] + found["fail"] == len(found["checks"])
    assert all(set(c) == {"number", "name", "verdict", "measured", "expected", "cause", "fix"} for c in found["checks"])
    return {c["name"]: c for c in found["checks"]}


def unwell(checks):
    return {name: c["verdict"] for name, c in checks.items() if c["verdict"] != "ok"}


def test_doctor(s):
    s.until("all to be well", lambda: not unwell(diagnosis(s, "service", "books", "connection", code=None)), 20)
    # The collector was stopped above: that is a gap on record, and nothing else is wrong.
    checks = diagnosis(s, code=None)
    assert set(unwell(checks)) <= {"gaps"}, unwell(checks)
    areas = {"processes", "memory", "cpu", "logs", "connection", "disk.data", "database", "journals", "settings", "errors",
             "books", "clock", "versions", "open.files", "cache", "alerts", "gaps", "bus.directory", "service.collector"}
    assert areas <= set(checks), areas - set(checks)
    # What breaks shows in its own row.
    assert unwell(diagnosis(s, "settings", "--set", "executor.nonsense=1", code=1)) == {"settings": "fail"}
    assert unwell(diagnosis(s, "cache", "--set", "redis.url=127.0.0.1:1", code=4)) == {"cache": "warn"}
    before, after = s.path("before.json"), s.path("after.json")
    with open(before, "w") as f:
        f.write(s.nj("doctor", "--json", "service", "disk"))
    s.nj("stop", "strategy")
    with open(after, "w") as f:
        f.write(s.nj("doctor", "--json", "service", "disk", code=1))
    assert json.loads(s.nj("doctor", "--diff", before, before, "--json")) == []
    rows = json.loads(s.nj("doctor", "--diff", before, after, "--json", code=4))
    assert [(r["check"], r["before"], r["after"]) for r in rows] == [("service.strategy", "ok", "fail")], rows
    s.nj("doctor", "--diff", before, s.path("nightjar.conf"), code=6)
    broken = unwell(diagnosis(s, "service", "books", "processes", "disk", "journals", code=1))
    assert broken == {"service.strategy": "fail"}, broken
    text = s.nj("doctor", "service.strategy", code=1)
    assert "FAIL" in text and "cause:" in text and "fix:" in text, text
    s.nj("start", "strategy")
    assert unwell(diagnosis(s, "service", code=0)) == {}
    s.nj("doctor", "nonsense", code=2)


def test_doctor_sees_a_venue_lost(s):
    s.kill("venue_sim", signal.SIGTERM)
    s.until("the loss", lambda: "connection" in unwell(diagnosis(s, "connection", code=None)), 20)
    assert unwell(diagnosis(s, "connection", code=4)) == {"connection": "warn"}
    assert s.services()["collector"]["data"] == "none" and "Data: none\n" in s.nj("status", "collector", code=4)
    assert s.services()["collector"]["well"] is False
    s.nj("status", code=4)


def test_flatten_under_the_kill_switch(s):
    """A flatten that can do nothing is not told as one that is done."""
    s.nj("kill", "--yes", "--reason", "a test")
    killed = subprocess.run([NJ, "flatten", "--yes", "--reason", "now", "--config", s.path("nightjar.conf")], capture_output=True, text=True)
    assert killed.returncode == 1 and "the kill switch is on" in killed.stderr and not killed.stdout, killed


# ---- pages ----

def test_pages(s):
    assert s.nj("events").startswith("# Events")
    assert {e["name"] for e in json.loads(s.nj("schema"))["events"]} >= {"trade", "order", "gap"}
    settings = json.loads(s.nj("settings", "--json"))
    assert {"bus", "run", "collector", "watchdog"} <= {r["section"] for r in settings}
    assert s.nj("settings", "executor").startswith("## executor")
    assert all(r["name"].startswith("nightjar_collector_") for r in json.loads(s.nj("metrics", "collector", "--json")))


TESTS = (test_tap_forms, test_tap_filters, test_tap_stats, test_tap_recordings, test_tap_ends_quietly, test_status, test_lag, test_units, test_trend,
         test_pause_and_resume, test_one_account, test_orders, test_flatten, test_logs, test_pages, test_doctor, test_doctor_sees_a_venue_lost,
         test_flatten_under_the_kill_switch)


def main():
    chosen = [t for t in TESTS if len(sys.argv) < 2 or any(word in t.__name__ for word in sys.argv[1:])]
    with Native("nj") as s:
        s.start()
        s.nj("wait", "--timeout", "30s")
        s.until("market data", lambda: s.nj("tap", "trade", "-c", "1", "-W", "1s", code=None))
        for test in chosen:
            began = time.monotonic()
            test(s)
            print("%-36s %.1f s" % (test.__name__, time.monotonic() - began), flush=True)
    print("%d passed, 0 failed" % len(chosen))


if __name__ == "__main__":
    main()
