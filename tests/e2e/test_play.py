"""nj play and nj bench: a recording published again on a bus of its own, loads that are counted at both ends."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from stack import BIN, wait_for
from test_nj import NJ, TOPIC, Native


class Lab:
    """A bus with nobody on it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="nj-lab-")
        self.env = dict(os.environ, NIGHTJAR_BUS__DIR=os.path.join(self.dir, "bus"), NIGHTJAR_RUN__DATA=os.path.join(self.dir, "data"),
                        NO_COLOR="1")
        os.mkdir(os.path.join(self.dir, "bus"), 0o700)

    def start(self, *args):
        return subprocess.Popen([NJ, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env, text=True)

    def nj(self, *args, code=0):
        done = subprocess.run([NJ, *args], capture_output=True, env=self.env, text=True, timeout=120, stdin=subprocess.DEVNULL)
        assert done.returncode == code, (args, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    def left(self):
        data = os.path.join(self.dir, "data")
        return os.listdir(data) if os.path.isdir(data) else []


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def finish(process, code=0):
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, (process.args, process.returncode, out[-2000:], err[-2000:])
    return out


def play_and_tap(lab, file, *args, tap=()):
    """What a tap that begins at the beginning sees of it."""
    player = lab.start("play", file, "--linger", "60s", *args)
    try:
        wait_for(lambda: os.path.exists(os.path.join(lab.dir, "bus", "play.rep")) or player.poll() is not None, 30, "the player")
        return player, tap and rows(lab.nj("tap", "-p", "play", "-o", "beginning", "-J", "-W", "100s", *tap))
    finally:
        if tap:
            player.send_signal(signal.SIGTERM)
            finish(player)


# ---- play ----

def recorded(s):
    """Trades and books of the stack, and what the tap showed of them."""
    file = s.path("day.njtap")
    if not os.path.exists(file):
        s.nj("tap", "trade", "book", "top", "-p", "collector", "--lane", "m", "--record", file, "-c", "600", "-W", "60s")
    return file, rows(s.nj("tap", "--read", file, "-J"))


def body(row):
    return {k: v for k, v in row.items() if k not in ("source", "epoch", "seq", "origin", "ts_sent")}


def test_play_is_what_was_recorded(s, lab):
    file, was = recorded(s)
    _, seen = play_and_tap(lab, file, "--speed", "max", tap=("-c", str(len(was))))
    assert [body(r) for r in seen] == [body(r) for r in was], (len(seen), len(was))
    assert {r["origin"] for r in seen} == {"replay"} and {r["origin"] for r in was} == {"simulated"}
    assert {r["source"] for r in seen} == {"play"} and {r["source"] for r in was} == {"collector"}
    last = {}
    for r in seen:  # a sequence of its own, from 1, without a hole
        assert r["seq"] == last.get(r["topic"], 0) + 1, r
        last[r["topic"]] = r["seq"]
    assert lab.left() == [], lab.left()


def test_play_filters(s, lab):
    file, was = recorded(s)
    trades = [r for r in was if r["event"] == "trade"]
    _, seen = play_and_tap(lab, file, "--speed", "max", "-t", "trade", tap=("-c", str(len(trades))))
    assert [body(r) for r in seen] == [body(r) for r in trades]
    lab.nj("play", file, "--speed", "max", "-p", "nobody", "--wait", "0s", "--linger", "0s")
    for wrong in (("--speed", "0"), ("--speed", "fast"), ("--speed", "-1"), ("--as", "No Name"), ("--as", "x" * 20)):
        lab.nj("play", file, *wrong, code=2)
    lab.nj("play", os.path.join(lab.dir, "none"), code=1)
    cut = os.path.join(lab.dir, "cut.njtap")
    with open(file, "rb") as f, open(cut, "wb") as out:
        out.write(f.read()[:-1])
    lab.nj("play", cut, "--speed", "max", "--wait", "0s", "--linger", "0s", code=6)


def test_play_keeps_its_times(s, lab):
    """At twice the speed it cannot end before half the recorded time has passed."""
    file, _ = recorded(s)
    recorded_ns = [int(t) for t in s.nj("tap", "--read", file, "trade", "-f", "%T").split()]
    began = time.monotonic()
    lab.nj("play", file, "--speed", "2x", "--wait", "0s", "--linger", "0s")
    took = time.monotonic() - began
    assert took > (recorded_ns[-1] - recorded_ns[0]) / 2e9 * 0.9, (took, recorded_ns[-1] - recorded_ns[0])


def test_play_takes_no_name_that_is_taken(s, lab):
    file, _ = recorded(s)
    env = dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf"))
    for name in ("collector", "executor"):
        done = subprocess.run([NJ, "play", file, "--as", name], capture_output=True, env=env, text=True, timeout=60)
        assert done.returncode == 1 and "publishes on this bus already" in done.stderr, done
    assert s.services()["collector"]["state"] == "running"
    # On a bus of its own it may stand in for one.
    player = lab.start("play", file, "--as", "collector", "--speed", "max", "--linger", "60s")
    row = rows(lab.nj("tap", "-p", "collector", "-o", "beginning", "-c", "1", "-J", "-W", "60s"))[0]
    assert row["source"] == "collector" and row["origin"] == "replay"
    second = lab.nj("play", file, "--as", "collector", code=1)
    assert second == ""
    player.send_signal(signal.SIGINT)
    finish(player, 130)
    assert lab.left() == []


def test_play_feeds_services(s, lab):
    """A strategy and an executor on a bus of their own trade on what was recorded: fills, all of them marked replay."""
    file = s.path("feed.njtap")
    s.nj("tap", "fill", "-p", "executor", "-o", "beginning", "-c", "1", "-W", "100s")  # there was something to trade on
    s.nj("tap", "-p", "collector", "--lane", "m", "-o", "beginning", "-e", "--record", file, "-W", "60s")
    env = dict(lab.env, NIGHTJAR_CONFIG=s.path("nightjar.conf"), NIGHTJAR_RUN__ORIGIN="replay", NIGHTJAR_RUN__PACE="live")
    log = open(os.path.join(lab.dir, "services.log"), "wb")
    services = [subprocess.Popen([os.path.join(BIN, "nightjar-" + name)], env=env, stdout=log, stderr=log) for name in ("strategy", "executor")]
    lab.env, before = env, lab.env
    try:
        wait_for(lambda: os.path.exists(os.path.join(lab.dir, "bus", "executor.rep")), 60, "the executor")
        player = lab.start("play", file, "--as", "collector", "--speed", "5x", "--wait", "3s", "--linger", "30s")
        row = rows(lab.nj("tap", "fill", "-p", "executor", "-o", "beginning", "-c", "1", "-J", "-W", "100s"))[0]
        assert row["event"] == "fill" and row["origin"] == "replay" and row["source"] == "executor", row
        player.send_signal(signal.SIGTERM)
        finish(player)
    finally:
        lab.env = before
        for p in services:
            p.terminate()
        for p in services:
            p.wait(30)
        log.close()


# ---- bench ----

def test_bench_e2e(s, lab):
    csv = os.path.join(lab.dir, "bench.csv")
    table = json.loads(lab.nj("bench", "e2e", "-n", "2000", "--rate", "2000", "--warmup", "100", "--clients", "2", "--json", "--csv", csv))
    assert [r["role"] for r in table] == ["pub", "sub", "sub", "all"], table
    pub, one, two, both = table
    assert pub["messages"] == 2000 and both["messages"] == one["messages"] + two["messages"] == 4000, table
    for r in (one, two, both):
        assert r["lost"] == 0 and 0 < r["p50"] <= r["p90"] <= r["p99"] <= r["p999"] <= r["max"] and r["mean"] <= r["max"], r
    # It cannot be faster than it was told to: 1999 intervals of half a millisecond.
    assert float(pub["seconds"]) > 0.99 and 0 < pub["rate"] <= 2100, pub
    assert pub["throughput"] / pub["rate"] > 120, pub
    with open(csv) as f:
        lines = f.read().splitlines()
    assert len(lines) == 5 and lines[0].startswith("role,client,messages,lost,"), lines
    text = lab.nj("bench", "e2e", "-n", "500", "--rate", "0", "--batch", "8", "--size", "1KiB", "--clients", "2")
    assert text.splitlines()[0].split()[:4] == ["ROLE", "CLIENT", "MESSAGES", "LOST"] and "stddev" in text, text
    assert lab.left() == [], lab.left()


def test_bench_held_up(s, lab):
    """A publisher that stands still and then hurries is not faster than it was told to be; a subscriber that stands still
    when all is sent loses nothing by that."""
    bench = lab.start("bench", "e2e", "-n", "2000", "--rate", "2000", "--warmup", "2000", "--clients", "2", "--idle", "30s", "--json")
    time.sleep(1)  # about the middle of the warm-up
    with open("/proc/%d/task/%d/children" % (bench.pid, bench.pid)) as f:
        reader = int(f.read().split()[0])
    os.kill(reader, signal.SIGSTOP)
    bench.send_signal(signal.SIGSTOP)
    time.sleep(1)
    bench.send_signal(signal.SIGCONT)
    time.sleep(2)
    os.kill(reader, signal.SIGCONT)
    pub, one, two, _ = json.loads(finish(bench))
    assert float(pub["seconds"]) > 0.99 and pub["rate"] <= 2100, pub
    assert one["lost"] == two["lost"] == 0 and one["messages"] == two["messages"] == 2000, (one, two)


def test_bench_durable(s, lab):
    row = json.loads(lab.nj("bench", "e2e", "--lane", "x", "-n", "200", "--rate", "500", "--warmup", "10", "--json"))[1]
    assert row["messages"] == 200 and row["lost"] == 0, row


def test_bench_ends_apart(s, lab):
    sub = lab.start("bench", "sub", "-n", "1000", "--warmup", "0", "--idle", "20s", "--json", "--as", "load")
    pub = json.loads(lab.nj("bench", "pub", "-n", "1000", "--warmup", "0", "--rate", "1000", "--json", "--as", "load"))
    assert [r["role"] for r in pub] == ["pub"] and pub[0]["messages"] == 1000, pub
    # It may have connected late: what it then missed is counted, nothing is made up.
    out, err = sub.communicate(timeout=120)
    row = json.loads(out)[0]
    assert row["messages"] + row["lost"] <= 1000 and sub.returncode == (6 if row["lost"] else 0), (row, err)
    assert row["messages"] > 0, row


def test_bench_refuses(s, lab):
    env = dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf"))
    done = subprocess.run([NJ, "bench", "e2e", "--as", "collector", "-n", "10"], capture_output=True, env=env, text=True, timeout=60)
    assert done.returncode == 1 and "publishes on this bus already" in done.stderr, done
    for wrong in ((), ("both",), ("e2e", "-n", "0"), ("e2e", "--size", "10"), ("e2e", "--clients", "17"), ("pub", "--lane", "y")):
        lab.nj("bench", *wrong, code=2)
    lab.nj("bench", "e2e", "--csv", os.path.join(lab.dir, "no", "where.csv"), "-n", "10", code=1)


TESTS = (test_bench_e2e, test_bench_held_up, test_bench_durable, test_bench_ends_apart, test_bench_refuses, test_play_is_what_was_recorded, test_play_filters, test_play_keeps_its_times, test_play_takes_no_name_that_is_taken, test_play_feeds_services)


def main():
    chosen = [t for t in TESTS if len(sys.argv) < 2 or any(word in t.__name__ for word in sys.argv[1:])]
    lab = Lab()
    try:
        with Native("play") as s:
            s.start()
            s.nj("wait", "--timeout", "60s")
            s.until("market data", lambda: s.nj("tap", "trade", "-c", "1", "-W", "1s", code=None))
            for test in chosen:
                began = time.monotonic()
                test(s, lab)
                print("%-40s %.1f s" % (test.__name__, time.monotonic() - began), flush=True)
    finally:
        if not os.environ.get("NJ_KEEP"):
            shutil.rmtree(lab.dir, ignore_errors=True)
    print("%d passed, 0 failed" % len(chosen))


if __name__ == "__main__":
    main()
