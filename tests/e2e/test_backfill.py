"""nj backfill: klines and trades of the simulator's recording, killed and resumed; a venue that refuses and has holes; files."""
import gzip
import http.server
import json
import os
import pty
import random
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
import zipfile
from urllib.parse import parse_qs, urlparse

from simulator import BIN, MS, START, Simulator
from stack import LONG

SECONDS = 1200


def nj(folder, *argv, background=False, limit=120):
    command = [os.path.join(BIN, "nj"), "backfill", "BTCUSDT", "--json", "--set", "run.data=%s" % folder, *argv]
    if background:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=limit)


def on_terminal(folder, *argv):
    """What it writes to a terminal."""
    ours, theirs = pty.openpty()
    run = subprocess.Popen([os.path.join(BIN, "nj"), "backfill", "BTCUSDT", "--json", "--set", "run.data=%s" % folder, *argv],
                           stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert run.wait(timeout=120) == 0, shown
    return shown.decode()


def one(run):
    assert run.returncode == 0, (run.returncode, run.stderr)
    row, = json.loads(run.stdout)
    return row


def rows(folder, sql):
    if not os.path.exists(os.path.join(folder, "history.db")):
        return []
    db = sqlite3.connect(os.path.join(folder, "history.db"))
    try:
        return db.execute(sql).fetchall()
    except sqlite3.OperationalError:  # it is being made
        return []
    finally:
        db.close()


def record(folder):
    """Trades at random moments of twenty minutes, as the venue's frames."""
    rng, lines, at = random.Random(7), [], START
    while at < START + SECONDS * 1000 * MS:
        at += rng.randrange(1, 1400) * MS
        trade = {"e": "trade", "E": at // MS, "s": "BTCUSDT", "t": len(lines) + 1, "p": "%.2f000000" % (100 + rng.random()),
                 "q": "%.3f00000" % rng.random(), "T": at // MS, "m": rng.random() < 0.5, "M": True}
        lines.append('%d {"stream":"btcusdt@trade","data":%s}\n' % (at, json.dumps(trade, separators=(",", ":"))))
    path = os.path.join(folder, "trades.gz")
    with gzip.open(path, "wt") as f:
        f.write("".join(lines))
    return path, [json.loads(line.split(" ", 1)[1])["data"] for line in lines]


def killed_and_resumed(root):
    path, trades = record(root)
    with Simulator("--speed", "max", "--capture", path) as sim:
        client = sim.ws("/stream?streams=btcusdt@trade")
        while client.recv()["data"]["t"] < len(trades):
            pass
        first = trades[0]["T"] // 1000 + 1
        straight, killed = os.path.join(root, "straight"), os.path.join(root, "killed")
        span = ["-i", "1s", "--rest", "http://127.0.0.1:%d" % sim.port, "--rows", "20", "--from", stamp(first), "--to", stamp(first + 1000)]
        done = one(nj(straight, *span))
        assert (done["rows"], done["new"], done["missing"], done["outages"], done["origin"]) == (1000, 1000, 0, 0, "replay"), done
        process = nj(killed, *span, "--pace", "60ms", background=True)
        until = time.monotonic() + 60
        while not 100 <= len(rows(killed, "SELECT 1 FROM klines")) and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        there = len(rows(killed, "SELECT 1 FROM klines"))
        assert 100 <= there < 1000, there
        again = one(nj(killed, *span))
        assert again["new"] == 1000 - there and again["rows"] == again["new"], again
        for table in ("klines", "outages", "progress"):
            assert rows(killed, "SELECT * FROM %s" % table) == rows(straight, "SELECT * FROM %s" % table), table
        assert one(nj(killed, *span))["rows"] == 0  # nothing is left to do
        shown = on_terminal(os.path.join(root, "shown"), *span)
        assert "\rBTCUSDT 1s [" in shown.replace("\033[K", "") and "%s] 100%%  1,000 rows" % ("#" * 30) in shown, shown[-500:]
        assert "[" not in nj(os.path.join(root, "quiet"), *span).stderr  # no bar where nobody looks
        volume = sum(float(t["q"]) for t in trades if first * 1000 <= t["T"] < (first + 1000) * 1000)
        assert abs(rows(killed, "SELECT sum(volume) FROM klines_v")[0][0] - volume) < 1e-6
        strict = rows(killed, "SELECT sql FROM sqlite_master WHERE type = 'table'")
        assert len(strict) == 4 and all("STRICT" in s for s, in strict), strict

        later = [stamp(first + 3) if part == stamp(first) else part for part in span]
        assert one(nj(killed, *later))["rows"] == 0  # "5y" begins a little later each time: it goes on, too

        late = [t for t in trades if t["T"] >= (first + 700) * 1000]
        span = ["--trades", "--budget", "100", *span[2:6], "--from", stamp(first + 700)]
        early = [t for t in late if t["T"] < (first + 850) * 1000]
        done = one(nj(killed, *span, "--to", stamp(first + 850)))
        assert (done["new"], done["missing"]) == (len(early), 0), (done, len(early))
        done = one(nj(killed, *span))  # what its last page had behind the end
        assert (done["new"], done["missing"]) == (len(late) - len(early), 0), (done, len(late), len(early))
        assert rows(killed, "SELECT trade_id, at FROM trades") == [(t["t"], t["T"] * MS) for t in late]
        assert one(nj(killed, *span))["new"] == 0
        assert one(nj(killed, *span[:-1], stamp(first + 800)))["rows"] == 0
        client.close()
    print("killed at %d of 1000 klines, resumed; %d trades" % (there, len(late)))


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Venue(http.server.BaseHTTPRequestHandler):
    """A venue without minutes 300 to 349; it refuses now and then, and for ever where told."""
    asked, banned, too_soon, may_at = 0, False, 0, 0

    def log_message(self, *_):
        pass

    def answer(self, status, body, **headers):
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in dict(headers, Content_Length=len(text)).items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        url, cls = urlparse(self.path), type(self)
        q = {k: v[0] for k, v in parse_qs(url.query).items()}
        if url.path.endswith("exchangeInfo"):
            filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.01"}, {"filterType": "LOT_SIZE", "stepSize": "0.001"}]
            return self.answer(200, {"symbols": [{"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC",
                                                  "quoteAsset": "USDT", "filters": filters}]})
        cls.too_soon += time.monotonic() < cls.may_at
        if cls.banned:
            return self.answer(418, {"code": -1003, "msg": "banned"}, Retry_After=86400)
        cls.asked += 1
        if cls.asked == 3:
            cls.may_at = time.monotonic() + 1
            return self.answer(429, {"code": -1003, "msg": "slow down"}, Retry_After=1)
        begin, end = int(q["startTime"]), int(q["endTime"])
        minutes = [m for m in range(600) if not 300 <= m < 350 and begin <= START // MS // 60000 * 60000 + m * 60000 <= end]
        t = [START // MS // 60000 * 60000 + m * 60000 for m in minutes[:int(q["limit"])]]
        return self.answer(200, [[a, "1.00", "2.00", "1.00", "1.50", "3.000", a + 59999, "4.5", 6, "0", "0", "0"] for a in t],
                           X_MBX_USED_WEIGHT_1M=2)


def refusals_and_holes(root):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Venue)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    begin = START // (60000 * MS) * 60
    span = ["--rest", "http://127.0.0.1:%d" % server.server_port, "--rows", "100", "--to", stamp(begin + 600 * 60)]
    try:
        done = nj(root, *span, "--from", stamp(begin))
        row = one(done)
        assert "asks to wait" in done.stderr and Venue.too_soon == 0, (done.stderr, Venue.too_soon)
        assert (row["new"], row["outages"], row["outage"], row["origin"]) == (550, 1, 50 * 60 * 10**9, "simulated"), row
        assert rows(root, 'SELECT "to" - "from" FROM outages') == [(50 * 60 * 10**9,)]
        asked = Venue.asked
        row = one(nj(root, *span, "--from", stamp(begin)))
        assert (row["rows"], row["outages"], Venue.asked) == (0, 0, asked), (row, Venue.asked - asked)
        Venue.banned = True
        banned = nj(root, *span, "--from", stamp(begin - 60))
        assert banned.returncode == 5 and "banned" in banned.stderr and "run it again" in banned.stderr, banned
    finally:
        server.shutdown()
        server.server_close()
    print("refused, waited, went on; what the venue does not have is on record")


class LongPast(Venue):
    """Minutes of years, of which one in HOLE_EVERY is not there: more holes than are kept in memory at once."""
    protocol_version = "HTTP/1.1"
    minutes, begin = 5 * 366 * 1440, START // MS // 60000 * 60000 - 5 * 366 * 86400 * 1000
    hole_every, asked = 500, 0
    wbufsize, disable_nagle_algorithm = 1 << 20, True  # a reply is one write

    def handle(self):
        try:
            super().handle()
        except ConnectionError:  # who asked was killed
            pass

    def do_GET(self):
        url, cls = urlparse(self.path), type(self)
        if url.path.endswith("exchangeInfo"):
            return super().do_GET()
        q = {k: v[0] for k, v in parse_qs(url.query).items()}
        cls.asked += 1
        first = max(0, -((cls.begin - int(q["startTime"])) // 60000))
        last = min(cls.minutes - 1, (int(q["endTime"]) - cls.begin) // 60000)
        there = [m for m in range(first, last + 1) if m % cls.hole_every != 7][:int(q["limit"])]
        t = [cls.begin + m * 60000 for m in there]
        return self.answer(200, [[a, "1.00", "2.00", "1.00", "1.50", "3.000", a + 59999, "4.5", 6, "0", "0", "0"] for a in t],
                           X_MBX_USED_WEIGHT_1M=2)


def five_years(root):
    """2.6 million klines and 5,271 holes, each asked for once more; killed in the middle; the second run asks nothing."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), LongPast)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    begin, holes = LongPast.begin // 1000, LongPast.minutes // LongPast.hole_every + (LongPast.minutes % LongPast.hole_every > 7)
    span = ["--rest", "http://127.0.0.1:%d" % server.server_port, "--from", stamp(begin), "--to", stamp(begin + LongPast.minutes * 60)]
    try:
        process = nj(root, *span, background=True)
        while LongPast.asked < LongPast.minutes // 900 // 2 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        there, began = rows(root, "SELECT count(*) FROM klines")[0][0], time.monotonic()
        assert 0 < there < LongPast.minutes // 2 + 1800, there
        row = one(nj(root, *span, limit=3 * 3600))
        took = time.monotonic() - began
        assert (row["new"], row["outages"], row["outage"]) == (LongPast.minutes - holes - there, holes, holes * 60 * 10**9), (row, holes)
        assert rows(root, "SELECT count(*), min(open_at), max(open_at) FROM klines") == [
            (LongPast.minutes - holes, LongPast.begin * MS, (LongPast.begin + (LongPast.minutes - 1) * 60000) * MS)]
        assert rows(root, 'SELECT count(*), count(DISTINCT "from"), sum("to" - "from") FROM outages') == [
            (holes, holes, holes * 60 * 10**9)]
        asked = LongPast.asked
        assert one(nj(root, *span, limit=3600))["rows"] == 0 and LongPast.asked == asked, LongPast.asked - asked
    finally:
        server.shutdown()
        server.server_close()
    print("%d klines and %d holes, killed at %d; the rest in %.0f s, %d requests, %.0f MB" % (
        LongPast.minutes - holes, holes, there, took, asked, os.path.getsize(os.path.join(root, "history.db")) / 1e6))


def files(root):
    path = os.path.join(root, "BTCUSDT-1m-2024-01.zip")
    kline = "1704067%03d000000,42283.58,42298.62,42261.02,42298.61,35.92724,1704067%03d999999,1519032.9359,1327,23.1,980394.1,0\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("BTCUSDT-1m-2024-01.csv", kline % (200, 259) + kline % (260, 319))
        z.writestr("another.csv", "not,read\n" * 1000)
    row = one(nj(root, "--file", path))
    assert (row["rows"], row["new"], row["origin"]) == (2, 2, "replay"), row
    assert rows(root, "SELECT open_at, open, volume, trades FROM klines_v LIMIT 1") == [("2024-01-01T00:00:00Z", 42283.58, 35.92724, 1327)]
    assert one(nj(root, "--file", path))["new"] == 0
    bad = os.path.join(root, "bad.csv")
    with open(bad, "w") as f:
        f.write("date,open,high,low,close,volume\n1704067320000,1,2,1,2,3\n1704067380000,5,2,1,2,3\n")
    refused = nj(root, "--file", bad)
    assert refused.returncode == 6 and "line 3" in refused.stderr, refused
    assert len(rows(root, "SELECT 1 FROM klines")) == 2  # nothing of the bad file
    parts = []
    for name, minutes in (("a.csv", (0, 1, 3)), ("b.csv", (8, 9))):
        parts += ["--file", os.path.join(root, name)]
        with open(parts[-1], "w") as f:
            f.write("date,open,high,low,close,volume\n" + "".join("%d,1,2,1,2,3\n" % (1704070800000 + m * 60000) for m in minutes))
    done = nj(root, *parts)
    assert done.returncode == 0, done
    first, second = json.loads(done.stdout)
    assert (first["outages"], first["outage"], second["outages"]) == (1, 60 * 10**9, 0), (first, second)
    assert "missing in 2 places" in done.stderr and "2024-01-01T01:02:00" in done.stderr, done.stderr  # and between the files
    assert rows(root, "SELECT * FROM outages") == []  # a file proves none
    print("files read")


def main():
    for part in (killed_and_resumed, refusals_and_holes, files) + ((five_years,) if LONG else ()):
        with tempfile.TemporaryDirectory() as root:
            part(root)
    print("ok")


main()
