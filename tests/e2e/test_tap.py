"""nj tap from the past on, without a seam; dumps, cursors, envelopes; a tap that is stopped harms nobody."""
import calendar
import fcntl
import json
import os
import pty
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from decimal import Decimal

from records import journal, unpack
from stack import BIN, wait_for
from test_nj import NJ, TOPIC, Native, frames_of

MORE = ("-W", "60s")


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def follows(seqs):
    return all(b == a + 1 for a, b in zip(seqs, seqs[1:]))


# ---- where it begins ----

def test_from_the_beginning(s):
    """All the executor's journal has, in order, then what comes, without a seam."""
    have = len(journal(s.path("data", "executor", "journal")))
    seen = rows(s.nj("tap", "-p", "executor", "--lane", "x", "-o", "beginning", "-c", str(have + 1), "-J", *MORE))
    assert [r["seq"] for r in seen] == list(range(1, have + 2)), (have, len(seen))
    stamps = [r["ts_recv"] for r in seen]
    assert stamps == sorted(stamps)


def test_market_log_goes_on_live(s):
    """Trades have a sequence of their own per topic: none is missing and none comes twice over the seam."""
    first = rows(s.nj("tap", "trade", "-o", "beginning", "-c", "1", "-J", *MORE))[0]["seq"]
    newest = rows(s.nj("tap", "trade", "-c", "1", "-J", *MORE))[0]["seq"]
    count = newest - first + 200
    seqs = [r["seq"] for r in rows(s.nj("tap", "trade", "-o", "beginning", "-c", str(count), "-J", *MORE))]
    assert seqs == list(range(first, first + count)), (first, newest, len(seqs))


def test_merged_by_time(s):
    """Several publishers and both lanes: by event time, until it has caught up."""
    seen = s.nj("tap", "-o", "beginning", "-e", "-f", "%T %p %L", *MORE).splitlines()
    stamps = [int(line.split()[0]) for line in seen]
    who = {tuple(line.split()[1:]) for line in seen}
    assert stamps == sorted(stamps) and len(seen) > 100, len(seen)
    assert {("collector", "m"), ("executor", "x"), ("collector", "x")} <= who, who


def test_last(s):
    seen = rows(s.nj("tap", "trade", "-o", "-20", "-c", "40", "-J", *MORE))
    assert len(seen) == 40 and follows([r["seq"] for r in seen]), [r["seq"] for r in seen]
    assert len(s.nj("tap", "trade", "-o", "-7", "-e", "-f", "%o", *MORE).split()) == 7
    # A filter that is rare in a lane: the last ones of these, not of the lane.
    kinds = s.nj("tap", "feed", "-o", "-1", "-e", "-f", "%e", *MORE).split()
    assert kinds == ["feed_state"], kinds
    assert s.nj("tap", "nothing", "-o", "-5", "-e", *MORE) == ""  # the end was reached: no timeout
    past = s.nj("tap", "trade", "-o", "beginning", "-c", "1", "-f", "%l", *MORE)
    assert past == "-1\n", past  # how long it took then nobody knows


def test_times(s):
    all_of = rows(s.nj("tap", "-p", "collector", "-o", "beginning", "-e", "-J", "trade", *MORE))
    begin, end = all_of[len(all_of) // 4]["ts_recv"], all_of[len(all_of) // 2]["ts_recv"]
    between = [r["seq"] for r in all_of if begin <= r["ts_recv"] < end]
    found = s.nj("tap", "trade", "-o", "s@%d,e@%d" % (to_ns(begin), to_ns(end)), "-f", "%o", *MORE).split()
    assert list(map(int, found)) == between, (len(found), len(between))
    two = s.nj("tap", "trade", "-o", "s@" + begin, "-o", "e@" + end, "-f", "%o", *MORE).split()
    assert two == found, (len(two), len(found))
    # Counting back, from the newest event there is.
    recent = s.nj("tap", "trade", "-o", "-1s", "-e", "-f", "%T", *MORE).split()
    assert recent and int(recent[-1]) - int(recent[0]) < 5 * 10**9, recent
    assert s.nj("tap", "--lane", "x", "-o", "@" + all_of[0]["ts_recv"], "-e", "-f", "%T", *MORE)
    for wrong in ("-0", "yesterday", "@never", "e@5x", "s@12:00,e@11:00", "-3,e@12:00", "stored"):
        s.nj("tap", "-o", wrong, code=2)


def to_ns(stamp):
    """RFC 3339 with nine decimals, exactly."""
    day, fraction = stamp.rstrip("Z").split(".")
    return calendar.timegm(time.strptime(day, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(fraction)


def test_cursor(s):
    """Runs one after the other with a cursor show each record once."""
    pos = s.path("tap.pos")
    seen = []
    for _ in range(4):
        seen += [r["seq"] for r in rows(s.nj("tap", "trade", "--cursor", pos, "-o", "stored", "-c", "25", "-J", *MORE))]
    assert len(seen) == 100 and follows(seen), seen
    with open(pos, "w") as f:
        f.write("no cursor\n")
    s.nj("tap", "--cursor", pos, "-o", "stored", "-c", "1", code=6)


def test_archive(s):
    """What a publisher has given up is read from the persister's database, and its journal goes on from there."""
    s.until("the records to be stored", lambda: stored_of(s, "collector") == len(journal(s.path("data", "collector", "journal"))))
    s.nj("stop", "collector")
    everything = rows(s.nj("tap", "-p", "collector", "--lane", "x", "-o", "beginning", "-e", "-J", *MORE))
    assert len(everything) == stored_of(s, "collector") > 0
    # No publisher, and a place in the middle of the archive.
    middle = everything[len(everything) // 2]
    later = rows(s.nj("tap", "-p", "collector", "--lane", "x", "-o", "@" + middle["ts_recv"], "-e", "-J", *MORE))
    assert [r["seq"] for r in later] == [r["seq"] for r in everything if r["ts_recv"] >= middle["ts_recv"]]
    last = rows(s.nj("tap", "-p", "collector", "--lane", "x", "-o", "-1", "-e", "-J", *MORE))
    assert [r["seq"] for r in last] == [everything[-1]["seq"]]
    none = s.nj("tap", "-p", "collector", "--lane", "x", "-o", "beginning", "-e", "--database", s.path("none.db"), *MORE)
    assert none == "", none
    # It begins anew: the archive and the journal join without a seam.
    s.nj("start", "collector")
    s.nj("wait", "collector")
    again = rows(s.nj("tap", "-p", "collector", "--lane", "x", "-o", "beginning", "-e", "-J", *MORE))
    assert follows([r["seq"] for r in again]) and len(again) >= len(everything)


def stored_of(s, publisher):
    db = sqlite3.connect("file:%s?mode=ro" % s.database, uri=True, timeout=10)
    try:
        return db.execute("SELECT count(*) FROM xlog WHERE publisher = ?", (publisher,)).fetchone()[0]
    finally:
        db.close()


# ---- what it writes ----

def test_dump(s):
    folder = s.path("dump")
    s.nj("tap", "trade", "-c", "3", "--dump", folder, *MORE)
    names = sorted(os.listdir(folder))
    assert names == ["00000001.json", "00000002.json", "00000003.json"], names
    assert all(json.load(open(os.path.join(folder, n)))["topic"] == TOPIC for n in names)
    s.nj("tap", "trade", "-c", "1", "--dump", folder, *MORE, code=1)  # nothing is overwritten
    s.nj("tap", "trade", "-c", "1", "--raw", "--dump", s.path("raw"), *MORE)
    with open(s.path("raw", "00000001.frame"), "rb") as f:
        assert f.read().startswith(TOPIC.encode() + b"\0")
    nul = s.nj("tap", "trade", "-c", "2", "-J", "--dump", "-", *MORE)
    assert nul.endswith("\0") and len([json.loads(t) for t in nul.split("\0") if t]) == 2


def test_headers(s):
    row = rows(s.nj("tap", "trade", "--headers-only", "-J", "-c", "1", *MORE))[0]
    assert set(row) == {"topic", "event", "id", "version", "source", "epoch", "seq", "origin", "ts_event", "ts_recv", "ts_sent",
                        "lane", "bytes", "gap"}, row
    line = s.nj("tap", "trade", "--headers-only", "-c", "1", *MORE)
    assert " trade collector#" in line and line.endswith(" bytes\n") and "price" not in line, line
    s.nj("tap", "--headers-only", "--raw", code=2)


def test_translate(s):
    upper = s.nj("tap", "trade", "-c", "2", "-f", "%e", "--translate", "tr a-z A-Z", *MORE)
    assert upper == "TRADE\nTRADE\n", upper
    # As much as it likes, without waiting for anybody; a failing one is counted and leaves the event out.
    big = s.nj("tap", "trade", "-c", "1", "-f", "%e", "--translate", "head -c 1000000 /dev/zero | tr '\\0' x", *MORE)
    assert big == "x" * 1000000 + "\n", len(big)
    assert s.nj("tap", "trade", "-c", "3", "-J", "--translate", "exit 3", *MORE, code=6) == ""
    s.nj("tap", "--raw", "--translate", "cat", code=2)


# ---- a decoder that knows the schema and nothing else ----

def scaled(value, scale):
    return format(Decimal(value).scaleb(-scale), "f") if scale else str(value)


def stamp(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + ".%09dZ" % (ns % 10**9) if ns else None


def zero(kind):
    return {"bool": False, "int": 0, "str": "", "bytes": b"", "list": []}[kind["type"]]


class Schema:
    """Frames to what nj tap --json prints, by `nj schema` alone."""

    def __init__(self, text):
        self.schema = json.loads(text)
        self.events = {e["id"]: e for e in self.schema["events"]}
        self.kinds = {k["name"]: k for k in self.schema["kinds"]}
        self.enums = {e["name"]: dict([(0, e["zero"])] + [(i["value"], i["name"]) for i in e["items"]]) for e in self.schema["enums"]}

    def value(self, array, field, scale_of):
        kind = self.kinds[field["kind"]]
        value = array[field["index"]] if field["index"] < len(array) else zero(kind)
        if kind["type"] == "int":
            assert kind["min"] <= value <= kind["max"], (field, value)
        elif kind["type"] == "str":
            assert len(value.encode()) <= kind["bytes_max"], (field, value)
        elif kind["type"] == "list":
            assert len(value) % len(kind["items"]) == 0 and len(value) <= kind["groups_max"] * len(kind["items"])
            groups = [value[i:i + 2] for i in range(0, len(value), 2)]
            if "scales" in field:
                scales = [scale_of(name) for name in field["scales"]]
                return [[scaled(v, scale) for v, scale in zip(group, scales)] for group in groups]
            return dict(map(tuple, groups))
        if "enum" in field:
            return self.enums[field["enum"]].get(value, "?")
        if "scale" in field:
            return scaled(value, scale_of(field["scale"]))
        return stamp(value) if field["kind"] == "time" else value

    def decode(self, frame):
        topic, body = frame.split(bytes([self.schema["frame"]["separator"]]), 1)
        at = 0
        while at < len(body):
            array, at = unpack(body, at)
            event = self.events[array[0]]
            raw = {f["name"]: array[f["index"]] if f["index"] < len(array) else 0 for f in event["fields"]}
            fields = self.schema["envelope"] + event["fields"]
            row = {f["name"]: self.value(array, f, raw.get) for f in fields}
            row.pop("id"), row.pop("version")
            yield dict(row, topic=topic.decode(), event=event["name"]), event


def test_schema(s):
    """Every event of a recording, telemetry too, comes out of a decoder made from the schema as nj itself prints it."""
    file = s.path("all.njtap")
    s.nj("tap", "--telemetry", "-o", "beginning", "--record", file, "-W", "5s")
    printed = rows(s.nj("tap", "--read", file, "--telemetry", "-J"))
    schema = Schema(s.nj("schema"))
    assert json.loads(s.nj("events", "--json")) == schema.schema
    decoded = [pair for frame in frames_of(file) for pair in schema.decode(frame[20:])]
    for (row, event), lane in zip(decoded, (frame[4] for frame in frames_of(file) for _ in schema.decode(frame[20:]))):
        assert event["lane"] == "MX"[lane - 1] and event["telemetry"] == (lane == 1 and event["id"] < 256), (event, lane)
        assert row["topic"].split(".")[0] == event["topic"].split(".")[0], row
    assert len(decoded) == len(printed), (len(decoded), len(printed))
    for (row, _), was in zip(decoded, printed):
        assert row == was, {k: (row.get(k), was.get(k)) for k in row.keys() | was.keys() if row.get(k) != was.get(k)}
    assert {"trade", "book_delta", "book_snapshot", "heartbeat", "equity"} <= (kinds := {row["event"] for row, _ in decoded}), kinds
    assert {"name": "ERR_GAP", "value": -20, "doc": "data is missing in between"} in schema.schema["errors"]


# ---- top ----

def test_top(s):
    pictures = rows(s.nj("top", "-n", "3", "-i", "700ms", "-J"))
    assert len(pictures) == 3 and [p["at"] for p in pictures] == sorted(p["at"] for p in pictures)
    last = pictures[-1]
    assert last["events_rate"] > 0 and last["bytes_rate"] > 0 and last["malformed"] == 0, last
    services = {r["service"]: r for r in last["services"]}
    assert set(services) >= {"collector", "strategy", "executor", "persister"}, services
    assert all(r["state"] == "running" and r["memory"] > 0 for r in services.values()), services
    assert float(services["collector"]["progress"]) > 0 and services["collector"]["lag"] is None, services
    assert services["executor"]["lag"] >= 0 and services["executor"]["unstored"] >= 0 and services["executor"]["x_last"] > 0, services
    topics = {r["topic"]: r for r in last["topics"]}
    trade = topics[TOPIC]
    assert float(trade["rate"]) > 0 and trade["missing"] == 0 and 0 < trade["p50"] <= trade["p99"] and trade["age"] >= 0, trade
    assert not any(t.startswith(("heartbeat", "promise")) for t in topics), topics
    only = rows(s.nj("top", "trade", "--telemetry", "-n", "1", "-J"))[0]["topics"]
    kinds = {r["topic"].split(".")[0] for r in only}
    assert "book" not in kinds and "top" not in kinds and {"trade", "heartbeat"} <= kinds, only
    # Blocks where nobody looks on, in place on a terminal.
    text = s.nj("top", "-n", "2", "-i", "300ms")
    assert "\x1b" not in text and text.count("SERVICE") == 2 and text.count("TOPIC ") == 2, text
    screen = on_terminal(s, "top", "-n", "2", "-i", "300ms")
    assert screen.startswith("\x1b[H\x1b[2J") and screen.count("\x1b[J") == 2 and "\x1b[K" in screen, screen[:200]
    assert all(len(part.split("\n")) <= 25 for part in screen.split("\x1b[J")), screen
    for wrong in (("-n", "0"), ("-i", "1ms"), ("--rows", "-2")):
        s.nj("top", *wrong, code=2)


def on_terminal(s, *args):
    """What it writes where it is looked at: 24 lines of 120 columns."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    env = dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf"), TERM="xterm")
    p = subprocess.Popen([NJ, *args], stdout=side, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=env)
    os.close(side)
    seen = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other side is closed
            part = b""
        if not part:
            break
        seen += part
    os.close(main)
    assert p.wait(30) == 0
    return seen.decode().replace("\r\n", "\n")


# ---- it cannot slow or break anything ----

def own_memory(pid):
    """Resident and its own: without pages of mapped files."""
    try:
        with open("/proc/%d/status" % pid) as f:
            return next((int(line.split()[1]) << 10 for line in f if line.startswith("RssAnon")), 0)
    except OSError:
        return 0


def test_stopped_taps(s):
    """Taps that were stopped: the services go on, and another tap misses nothing."""
    env = dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf"))
    stopped = [subprocess.Popen([NJ, "tap", *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
               for args in ((), ("-o", "beginning"))]
    try:
        for p in stopped:
            p.stdout.readline()
            p.send_signal(signal.SIGSTOP)
        handled = s.status("executor")["handled"]
        assert follows([r["seq"] for r in rows(s.nj("tap", "trade", "-c", "500", "-J", *MORE))])
        s.until("the executor to go on", lambda: s.status("executor")["handled"] > handled)
    finally:
        for p in stopped:
            p.kill()
            p.communicate()
    s.check_alive()


def test_memory_beside_a_stopped_tap(s):
    """A publisher sends far more than may wait for one subscriber: its memory stays bounded, the other subscriber loses nothing."""
    # A sanitizer keeps what was freed for a while: little of it here.
    env = dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf"), ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1")
    load = subprocess.Popen([NJ, "bench", "e2e", "--as", "load", "-n", "60000", "--rate", "8000", "--size", "3KiB", "--warmup", "8000",
                             "--idle", "30s", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    tap = subprocess.Popen([NJ, "tap", "-p", "load", "-f", "%o"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
    try:
        assert int(tap.stdout.readline()) < 50000
        tap.send_signal(signal.SIGSTOP)
        first = most = own_memory(load.pid)
        while load.poll() is None:
            most = max(most, own_memory(load.pid))
            time.sleep(0.1)
        out, err = load.communicate()
        pub, sub = json.loads(out)
        # 10,000 frames may wait for a subscriber; what was sent is several times as much.
        sent = pub["throughput"] * float(pub["seconds"])
        assert sent > 170 << 20, sent
        # A thread sanitizer has several bytes of its own beside each.
        assert "tsan" in BIN or most - first < 80 << 20, (sent, first, most)
        assert load.returncode == 0 and sub["lost"] == 0 and sub["messages"] == 60000, (sub, err)
    finally:
        for p in (tap, load):
            p.kill()
            p.communicate()


def test_tap_that_lost_says_so(s):
    """Stopped until more was sent than waits for it: the gap is told, counted at the end, and the exit code says it."""
    env = dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf"))
    load = subprocess.Popen([NJ, "bench", "pub", "--as", "late", "-n", "90000", "--rate", "9000", "--warmup", "0"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    with open(s.path("late.out"), "wb") as out, open(s.path("late.err"), "wb") as err:
        tap = subprocess.Popen([NJ, "tap", "-p", "late", "-u", "-f", "%o"], stdout=out, stderr=err, env=env)

    def published():
        return (s.status("late") or {"events": 0})["events"]

    def told():
        with open(s.path("late.err")) as f:
            return f.read()
    try:
        wait_for(lambda: os.path.getsize(s.path("late.out")) > 0, 60, "its first event")
        tap.send_signal(signal.SIGSTOP)
        stopped_at = published()
        wait_for(lambda: published() > stopped_at + 40000, 120, "more than 10,000 waiting frames")
        tap.send_signal(signal.SIGCONT)
        load.communicate(timeout=120)
        wait_for(lambda: "missing" in told(), 60, "the gap to be told")
        tap.send_signal(signal.SIGTERM)
        assert tap.wait(60) == 6 and "events are missing in" in told() and "too slow" in told(), (tap.returncode, told())
    finally:
        for p in (tap, load):
            p.kill()
            p.wait()


def test_pages_come_at_a_rate(s):
    """So many pages of at most 500 records a second: it cannot be through earlier."""
    count = ("-p", "collector", "--lane", "m", "-o", "beginning", "-e", "-f", "x", *MORE)
    pages = len(s.nj("tap", *count).split()) // 500
    began = time.monotonic()
    s.nj("tap", *count, "--page-rate", "5")
    took = time.monotonic() - began
    assert pages >= 2 and took >= (pages - 1) / 5, (pages, took)


def test_slow_reader(s):
    """Nobody reads its pipe for a while: with --from it asks again for what it could not take, and misses nothing."""
    env = dict(os.environ, NIGHTJAR_CONFIG=s.path("nightjar.conf"))
    p = subprocess.Popen([NJ, "tap", "trade", "top", "book", "-o", "-1", "-c", "900", "-J"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, env=env, bufsize=0)  # a buffer of ours would keep what communicate() looks for
    first = p.stdout.readline()
    time.sleep(3)  # the pipe holds a second's worth
    rest, err = p.communicate(timeout=120)
    seen = {}
    for row in rows((first + rest).decode()):
        seen.setdefault(row["topic"], []).append(row["seq"])
    assert p.returncode == 0 and sum(map(len, seen.values())) == 900, (p.returncode, err)
    assert all(follows(seqs) for seqs in seen.values())


TESTS = (test_from_the_beginning, test_market_log_goes_on_live, test_merged_by_time, test_last, test_times, test_cursor, test_dump,
         test_headers, test_translate, test_schema, test_top, test_stopped_taps, test_memory_beside_a_stopped_tap, test_tap_that_lost_says_so, test_pages_come_at_a_rate, test_slow_reader, test_archive)


def main():
    chosen = [t for t in TESTS if len(sys.argv) < 2 or any(word in t.__name__ for word in sys.argv[1:])]
    with Native("tap") as s:
        s.start()
        s.nj("wait", "--timeout", "60s")
        s.until("market data", lambda: s.nj("tap", "trade", "-c", "1", "-W", "1s", code=None))
        s.until("an order", lambda: len(journal(s.path("data", "executor", "journal"))) > 5)
        for test in chosen:
            began = time.monotonic()
            test(s)
            print("%-36s %.1f s" % (test.__name__, time.monotonic() - began), flush=True)
    print("%d passed, 0 failed" % len(chosen))


if __name__ == "__main__":
    main()
