"""test_venue_sim - the local exchange from outside: REST, streams, stamps, faults, limits, back-pressure."""
import hashlib
import hmac
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from simulator import BIN, CAPTURES, MS, START, Book, Fixture, Simulator, read_stamped, top_of  # noqa: E402
from wsclient import CLOSE, CONT, PING, PONG, TEXT, Closed, WsClient, rest, tls_trusting  # noqa: E402

DEPTH, TICKER, TRADE = "btcusdt@depth@100ms", "btcusdt@bookTicker", "btcusdt@trade"
ALL = f"/stream?streams={DEPTH}/{TICKER}/{TRADE}"


class WithFixture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.fixture = Fixture(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def sim(self, *args):
        return Simulator("--capture", self.fixture.path, *args)


class CommandLine(unittest.TestCase):
    def run_it(self, *args):
        return subprocess.run([os.path.join(BIN, "venue_sim"), *args], capture_output=True, text=True, timeout=20)

    def test_help_and_version(self):
        self.assertIn("--capture", self.run_it("--help").stdout)
        self.assertRegex(self.run_it("--version").stdout, r"^venue_sim \d")

    def test_refused(self):
        for args in (["--speed", "0"], ["--nonsense"], ["extra"], ["--listen", "nowhere"], ["--seed"]):
            result = self.run_it(*args)
            self.assertEqual(result.returncode, 2, args)
            self.assertIn("venue_sim: ", result.stderr)
        for args in (["--capture", "/nonexistent.gz"], ["--symbols", "btc/usdt"], ["--faults", "skip"],
                     ["--tls", "/nonexistent,/nonexistent"], ["--exchange-info", "/nonexistent"], ["--trading"]):
            result = self.run_it(*args)
            self.assertEqual(result.returncode, 1, args)
            self.assertIn("venue_sim: ", result.stderr)


class Stamped(WithFixture):
    def test_everything_in_order(self):
        with self.sim("--speed", "max") as sim:
            client = sim.stamped(ALL)
            self.assertEqual(client.headers["sec-websocket-protocol"], "nightjar.stamped.v1")
            self.assertEqual(client.headers["x-nightjar-simulator"], "replay")
            lines, end = read_stamped(client)
            self.assertEqual(lines, self.fixture.frames())
            self.assertEqual(end, self.fixture.lines[-1][0] + 5000 * MS)

    def test_connection_stays_and_pings(self):
        with self.sim("--speed", "max", "--ping-ms", "250") as sim:
            client = sim.stamped(ALL)
            read_stamped(client)
            for _ in range(3):
                opcode, payload = client.frame()
                self.assertEqual(opcode, PING)
                client.send(payload, PONG)

    def test_bytes_are_as_recorded(self):
        with self.sim("--speed", "max") as sim:
            client = sim.stamped(ALL)
            for stamp, text, stream in self.fixture.lines:
                if stream:
                    self.assertEqual(client.recv_bytes(), f"{stamp} {text}".encode())

    def test_filter_and_raw_form(self):
        with self.sim("--speed", "max") as sim:
            lines, _ = read_stamped(sim.stamped(f"/ws/{TRADE}"))
            self.assertEqual(lines, [(s, m["data"]) for s, m in self.fixture.frames(TRADE)])

    def test_resume(self):
        frames = self.fixture.frames()
        with self.sim("--speed", "max") as sim:
            for k in (0, 1, 499, len(frames) - 1):
                lines, _ = read_stamped(sim.stamped(f"{ALL}&from={frames[k][0]}"))
                self.assertEqual(lines, frames[k + 1:])
            lines, _ = read_stamped(sim.stamped(f"{ALL}&from={frames[10][0] + 1}"))
            self.assertEqual(lines, frames[11:])

    def test_connections_are_independent(self):
        with self.sim("--speed", "max") as sim:
            clients = [sim.stamped(ALL) for _ in range(3)]
            for client in clients:
                self.assertEqual(read_stamped(client)[0], self.fixture.frames())

    def test_waits_for_all_streams(self):
        with self.sim("--speed", "max") as sim:
            client = sim.stamped("/stream?nj_streams=2")
            client.send_json({"method": "SUBSCRIBE", "params": [DEPTH], "id": 1})
            self.assertEqual(client.recv_stamped(), (0, {"result": None, "id": 1}))
            client.send_json({"method": "SUBSCRIBE", "params": [TRADE], "id": 2})
            self.assertEqual(client.recv_stamped(), (0, {"result": None, "id": 2}))
            self.assertEqual(read_stamped(client)[0], self.fixture.frames(DEPTH, TRADE))

    def test_paced(self):
        with self.sim("--speed", "20") as sim:  # 10 s of recording
            client = sim.stamped(ALL)
            first, _ = client.recv_stamped()
            begin = time.monotonic()
            for _ in range(400):
                stamp, _ = client.recv_stamped()
                early = (stamp - first) / 20e9 - (time.monotonic() - begin)
                self.assertLess(early, 0.02)
            self.assertLess(time.monotonic() - begin, 8.0)

    def test_slow_reader_loses_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            fixture = Fixture(folder, lines=40000)
            with Simulator("--capture", fixture.path, "--speed", "max") as sim:
                client = sim.stamped(ALL, rcvbuf=4096)
                time.sleep(0.5)
                waiting = sim.get("/nightjar/state").json()["sessions"]
                self.assertLess(max(s["waiting_bytes"] for s in waiting), 1_200_000)
                self.assertLess(min(s.get("position", 1 << 62) for s in waiting), fixture.lines[-1][0])
                lines, _ = read_stamped(client)
                self.assertEqual(len(lines), len(fixture.frames()))
                self.assertEqual(lines, fixture.frames())

    def test_exit_at_end(self):
        sim = self.sim("--speed", "max", "--exit-at-end")
        client = sim.stamped(ALL)
        read_stamped(client)
        self.assertIsNone(sim.process.poll())
        client.close()
        self.assertEqual(sim.process.wait(5), 0)
        sim.stop()


class StampedRest(WithFixture):
    """The answer is a function of the request alone."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.fixture = Fixture(cls.folder.name, lines=8000, snapshots=(20, 6000))

    def ask(self, sim, stamp, limit=1000):
        reply = sim.get(f"/api/v3/depth?symbol=BTCUSDT&limit={limit}&nj_stamp={stamp}")
        self.assertEqual(reply.status, 200, reply.body)
        return int(reply.headers["x-nightjar-stamp"]), reply.json(), reply

    def folded(self, until):
        book = None
        for stamp, text, stream in self.fixture.lines:
            if stamp > until:
                break
            if stream is None:
                book = Book(json.loads(text))
            elif stream == DEPTH and book:
                book.apply(json.loads(text)["data"])
        return book

    def test_recorded_reply(self):
        snapshot = next(line for line in self.fixture.lines if line[2] is None)
        with self.sim("--speed", "max") as sim:
            for asked in (0, START, snapshot[0]):
                stamp, body, _ = self.ask(sim, asked if asked else snapshot[0] - 20_000 * MS)
                self.assertEqual((stamp, body), (snapshot[0], json.loads(snapshot[1])))
            _, body, _ = self.ask(sim, START, limit=5)
            self.assertEqual(len(body["bids"]), 5)
            self.assertEqual(body["asks"], json.loads(snapshot[1])["asks"][:5])

    def test_folded_reply_forwards_and_back(self):
        with self.sim("--speed", "max") as sim:
            for k in (100, 150, 151, 120, 2500, 99, 7900):
                asked = START + k * 10 * MS + 5
                stamp, body, reply = self.ask(sim, asked)
                self.assertEqual(stamp, asked + MS)
                self.assertIn("x-nightjar-whole", reply.headers)
                book = self.folded(stamp)
                self.assertEqual(body["lastUpdateId"], book.id)
                self.assertEqual({float(p): float(q) for p, q in body["bids"]},
                                 {p: float(q) for p, q in book.bids.items()})
                again = self.ask(sim, asked)
                self.assertEqual((stamp, body), again[:2])
            self.assertEqual(self.ask(sim, START + 5990 * 10 * MS)[0], START + 6000 * 10 * MS + 1)

    def test_far_snapshot_only_without_a_book(self):
        with tempfile.TemporaryDirectory() as folder:
            fixture = Fixture(folder, lines=6000, snapshots=(5000,))
            with Simulator("--capture", fixture.path, "--speed", "max") as sim:
                self.assertEqual(self.ask(sim, START)[0], START + 5000 * 10 * MS + 1)

    def test_no_snapshot(self):
        with tempfile.TemporaryDirectory() as folder:
            fixture = Fixture(folder, snapshots=())
            with Simulator("--capture", fixture.path, "--speed", "max") as sim:
                for query in (f"&nj_stamp={START + 5000 * MS}", ""):
                    reply = sim.get(f"/api/v3/depth?symbol=BTCUSDT{query}")
                    self.assertEqual(reply.status, 404)
                    self.assertIn("x-nightjar-no-snapshot", reply.headers)
                    self.assertEqual(reply.json()["code"], -1000)

    def test_weight_is_its_own(self):
        with self.sim("--speed", "max", "--weight-limit", "300") as sim:
            for _ in range(5):
                reply = sim.get(f"/api/v3/depth?symbol=BTCUSDT&limit=5000&nj_stamp={START}")
                self.assertEqual((reply.status, reply.headers["x-mbx-used-weight-1m"]), (200, "250"))

    def test_klines_and_trades(self):
        with self.sim("--speed", "max") as sim:
            asked = START + 50_000 * MS
            rows = sim.get(f"/api/v3/klines?symbol=BTCUSDT&interval=1s&nj_stamp={asked}").json()
            trades = [m["data"] for s, m in self.fixture.frames(TRADE) if s <= asked + MS]
            second = trades[len(trades) // 2]["T"] // 1000 * 1000
            inside = [t for t in trades if second <= t["T"] < second + 1000]
            row = next(r for r in rows if r[0] == second)
            self.assertEqual(row[8], len(inside))
            self.assertEqual(float(row[5]), 0.5 * len(inside))
            self.assertEqual(float(row[9]), 0.5 * sum(not t["m"] for t in inside))
            self.assertEqual(row[1:5], ["100.01000000"] * 4)
            self.assertEqual([r[0] for r in rows], sorted(r[0] for r in rows))
            minutes = sim.get(f"/api/v3/klines?symbol=BTCUSDT&interval=1m&nj_stamp={asked}").json()
            self.assertEqual(sum(r[8] for r in minutes), len(trades))
            two = sim.get(f"/api/v3/klines?symbol=BTCUSDT&interval=1s&limit=2&nj_stamp={asked}").json()
            self.assertEqual(two, rows[-2:])
            two = sim.get(f"/api/v3/klines?symbol=BTCUSDT&interval=1s&limit=2&startTime={rows[3][0]}"
                          f"&nj_stamp={asked}").json()
            self.assertEqual(two, rows[3:5])
            last = sim.get(f"/api/v3/trades?symbol=BTCUSDT&limit=3&nj_stamp={asked}").json()
            self.assertEqual([t["id"] for t in last], [t["t"] for t in trades[-3:]])


class Rest(WithFixture):
    def test_basics(self):
        with self.sim() as sim:
            ping = sim.get("/api/v3/ping")
            self.assertEqual((ping.status, ping.body), (200, b"{}"))
            self.assertEqual(ping.headers["x-nightjar-simulator"], "replay")
            self.assertEqual(sim.get("/api/v3/time").json()["serverTime"], START // MS)
            for path, status, code in (
                    ("/api/v3/depth", 400, -1102), ("/api/v3/depth?symbol=NOPE", 400, -1121),
                    ("/api/v3/depth?symbol=btc/usdt", 400, -1100), ("/api/v3/depth?symbol=BTCUSDT&limit=x", 400, -1100),
                    ("/api/v3/exchangeInfo?symbol=NOPE", 400, -1121),
                    ("/api/v3/exchangeInfo?symbols=nonsense", 400, -1100),
                    ("/api/v3/klines?symbol=BTCUSDT&interval=7m", 400, -1120),
                    ("/api/v3/klines?symbol=BTCUSDT", 400, -1102), ("/nonsense", 404, -1000)):
                reply = sim.get(path)
                self.assertEqual((reply.status, reply.json()["code"]), (status, code), path)
                self.assertEqual(reply.headers["x-nightjar-simulator"], "replay")
            self.assertEqual(sim.get("/api/v3/ping", method="POST").status, 405)

    def test_derived_filters_say_so(self):
        with self.sim() as sim:
            reply = sim.get("/api/v3/exchangeInfo?symbol=BTCUSDT")
            self.assertEqual(reply.headers["x-nightjar-derived"], "filters")
            symbol, = reply.json()["symbols"]
            self.assertEqual((symbol["baseAsset"], symbol["quoteAsset"]), ("BTC", "USDT"))
            filters = {f["filterType"]: f for f in symbol["filters"]}
            self.assertEqual(filters["PRICE_FILTER"]["tickSize"], "0.01000000")
            self.assertEqual(filters["LOT_SIZE"]["stepSize"], "0.10000000")
            self.assertIn("filters derived", sim.log())

    def test_given_exchange_info(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "info.json")
            info = {"timezone": "UTC", "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE",
                                                       "intervalNum": 1, "limit": 77}],
                    "symbols": [{"symbol": "ABC", "filters": []}, {"symbol": "BTCUSDT", "filters": [1]}]}
            with open(path, "w") as f:
                json.dump(info, f)
            with self.sim("--exchange-info", path) as sim:
                reply = sim.get("/api/v3/exchangeInfo")
                self.assertEqual(reply.json(), info)
                self.assertNotIn("x-nightjar-derived", reply.headers)
                reply = sim.get("/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%2C%22ABC%22%5D")
                self.assertEqual(reply.json()["symbols"], [info["symbols"][1], info["symbols"][0]])
                reply = sim.get("/api/v3/exchangeInfo?symbol=ABC")
                self.assertEqual(reply.json()["symbols"], [info["symbols"][0]])
                self.assertEqual(sim.get("/api/v3/exchangeInfo").status, 429)  # 4 x 20 > 77

    def test_weight_and_ban(self):
        with self.sim("--weight-limit", "100") as sim:
            if time.time() % 60 > 55:
                time.sleep(6)
            reply = sim.get("/api/v3/depth?symbol=BTCUSDT&limit=1000")
            self.assertEqual(reply.headers["x-mbx-used-weight-1m"], "50")
            self.assertEqual(sim.get("/api/v3/depth?symbol=BTCUSDT&limit=101").headers["x-mbx-used-weight-1m"], "75")
            reply = sim.get("/api/v3/depth?symbol=BTCUSDT&limit=1000")
            self.assertEqual((reply.status, reply.json()["code"]), (429, -1003))
            self.assertTrue(1 <= int(reply.headers["retry-after"]) <= 60)
            statuses = [sim.get("/api/v3/depth?symbol=BTCUSDT&limit=1000").status for _ in range(11)]
            self.assertEqual(statuses, [429] * 9 + [418] * 2)
            reply = sim.get("/api/v3/ping")
            self.assertEqual(reply.status, 418)
            self.assertTrue(100 <= int(reply.headers["retry-after"]) <= 121)

    def raw(self, sim, data):
        with socket.create_connection(("127.0.0.1", sim.port), timeout=5) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
        return answer

    def test_hostile_requests(self):
        with self.sim() as sim:
            host = b"Host: x\r\n"
            for data, status in ((b"GET / HTTP/2\r\n\r\n", b"400"), (b"nonsense\r\n\r\n", b"400"),
                                 (b"GET /api/v3/ping HTTP/1.1\r\n\r\n", b"400"),
                                 (b"GET / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n", b"501"),
                                 (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n" + host + b"\r\n", b"431"),
                                 (b"GET / HTTP/1.1\r\n" + host + b"a: b\r\n" * 100 + b"\r\n", b"431")):
                self.assertEqual(self.raw(sim, data).split()[1], status, data[:40])
            two = b"GET /api/v3/ping HTTP/1.1\r\n" + host + b"\r\n"
            self.assertEqual(self.raw(sim, two * 3).count(b"200 OK"), 3)
            self.assertEqual(sim.get("/api/v3/ping").status, 200)

    def test_too_many_clients(self):
        with self.sim() as sim:
            sockets = [socket.create_connection(("127.0.0.1", sim.port)) for _ in range(64)]
            time.sleep(0.2)
            with self.assertRaises(OSError):
                rest(sim.port, "/api/v3/ping", timeout=3)
            for s in sockets:
                s.close()
            self.assertEqual(self.patiently(sim, "/api/v3/ping").status, 200)

    def patiently(self, sim, path):
        until = time.monotonic() + 10
        while True:
            try:
                return sim.get(path)
            except OSError:
                self.assertLess(time.monotonic(), until)
                time.sleep(0.05)


class Plain(WithFixture):
    def test_documented_procedure(self):
        with self.sim("--speed", "20") as sim:
            client = sim.ws(ALL)
            snapshot = sim.get("/api/v3/depth?symbol=BTCUSDT&limit=1000")  # held until it was recorded
            self.assertEqual(snapshot.status, 200)
            book = Book(snapshot.json())
            known = ticker = 0
            while book.applied < 200:
                message = client.recv()
                if message["stream"] == DEPTH:
                    book.apply(message["data"])
                elif message["stream"] == TICKER and message["data"]["u"] == book.id:
                    known += 1
                    ticker += book.top() == top_of(message["data"])
            self.assertEqual(known, ticker)
            self.assertGreater(known, 100)

    def test_starts_with_the_first_subscription(self):
        with self.sim("--speed", "max") as sim:
            client = sim.ws("/ws")
            time.sleep(0.2)
            self.assertEqual(sim.get("/nightjar/state").json()["player"], "idle")
            client.send_json({"method": "SUBSCRIBE", "params": [DEPTH, TRADE], "id": "x"})
            self.assertEqual(client.recv(), {"result": None, "id": "x"})
            for _, message in self.fixture.frames(DEPTH, TRADE):
                self.assertEqual(client.recv(), message["data"])

    def test_control_messages(self):
        with self.sim() as sim:
            client = sim.ws("/stream")
            client.send_json({"method": "SUBSCRIBE", "params": ["b@trade", "a@trade"], "id": 1})
            self.assertEqual(client.recv(), {"result": None, "id": 1})
            client.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
            self.assertEqual(client.recv(), {"result": ["a@trade", "b@trade"], "id": 2})
            client.send_json({"method": "UNSUBSCRIBE", "params": ["a@trade", "none"], "id": 3})
            self.assertEqual(client.recv(), {"result": None, "id": 3})
            time.sleep(1.1)
            for text, code in (('{"method":"NO","id":1}', 2), ('{"method":"SUBSCRIBE","id":1}', 2),
                               ('{"nonsense":1}', 0), ("{broken", 3)):
                client.send(text)
                self.assertEqual(client.recv()["code"], code, text)
            self.assertIn("stream is not in the recording", sim.log())

    def test_limits_of_a_connection(self):
        with self.sim() as sim:
            many = "/".join(f"s{i}@trade" for i in range(1024))
            client = sim.ws(f"/stream?streams={many}")
            client.send_json({"method": "SUBSCRIBE", "params": ["one@more"], "id": 1})
            with self.assertRaises(Closed) as closed:
                client.recv()
            self.assertEqual(closed.exception.code, 1008)
            with self.assertRaises(Closed) as closed:
                sim.ws(f"/stream?streams={many}/x@trade")
            self.assertEqual(closed.exception.code, 400)
            client = sim.ws("/ws")
            for i in range(6):
                client.send_json({"method": "LIST_SUBSCRIPTIONS", "id": i})
            with self.assertRaises(Closed) as closed:
                for _ in range(6):
                    client.recv()
            self.assertEqual(closed.exception.code, 1008)

    def test_websocket_rules(self):
        with self.sim() as sim:
            client = sim.ws("/ws")
            client.send(b"hello", PING)
            client.send('{"method":"LIST_SUB', TEXT, fin=False)
            client.send(b"", PING)
            client.send('SCRIPTIONS","id":1}', CONT)
            self.assertEqual(client.recv()["result"], [])
            self.assertEqual(client.pongs, [b"hello", b""])
            client.send(b"\x03\xe8", CLOSE)
            with self.assertRaises(Closed) as closed:
                client.recv()
            self.assertEqual(closed.exception.code, 1000)
            for send in (lambda c: c.send("{}", mask=False), lambda c: c.send("x", CONT),
                         lambda c: c.send("x", 3)):
                client = sim.ws("/ws")
                send(client)
                with self.assertRaises(Closed) as closed:
                    client.recv()
                self.assertEqual(closed.exception.code, 1002)
            for path in ("/nonsense", "/wsx", "/ws/a@b?timeUnit=MICROSECOND"):
                with self.assertRaises(Closed):
                    sim.ws(path)

    def test_pong_is_demanded(self):
        with self.sim("--ping-ms", "250", "--pong-ms", "1200") as sim:
            client = sim.ws("/ws")
            client.send(client.frame()[1], PONG)
            self.assertEqual(client.frame()[0], PING)
            with self.assertRaises((Closed, ConnectionError)):
                client.frame()
            self.assertIn("no pong, cut", sim.log())

    def test_rotation(self):
        with self.sim("--rotate-s", "0.3") as sim:
            client = sim.ws("/ws")
            with self.assertRaises(Closed) as closed:
                client.recv()
            self.assertEqual(closed.exception.code, 1001)

    def test_exit_at_end(self):
        sim = self.sim("--speed", "max", "--exit-at-end")
        client = sim.ws(ALL)
        count = 0
        with self.assertRaises(Closed) as closed:
            while True:
                client.recv()
                count += 1
        self.assertEqual((count, closed.exception.code), (len(self.fixture.frames()), 1001))
        client.close()
        self.assertEqual(sim.process.wait(8), 0)
        sim.stop()


class Generated(unittest.TestCase):
    ARGS = ("--seed", "7", "--start", str(START), "--duration", "60", "--symbols", "BTCUSDT,ETHUSDT")
    STREAMS = "/".join(f"{s}@{c}" for s in ("btcusdt", "ethusdt")
                       for c in ("depth@100ms", "bookTicker", "trade", "aggTrade", "kline_1s", "kline_1m"))

    def test_same_seed_same_bytes(self):
        lines = []
        for seed in ("7", "7", "8"):
            with Simulator(*self.ARGS, "--seed", seed, "--speed", "max") as sim:
                client = sim.stamped(f"/stream?streams={self.STREAMS}")
                self.assertEqual(client.headers["x-nightjar-simulator"], "simulated")
                lines.append(read_stamped(client)[0])
        self.assertEqual(lines[0], lines[1])
        self.assertNotEqual(lines[0], lines[2])
        stamps = [stamp for stamp, _ in lines[0]]
        self.assertTrue(all(a < b for a, b in zip(stamps, stamps[1:])))

    def test_resume(self):
        with Simulator(*self.ARGS, "--speed", "max") as sim:
            whole, end = read_stamped(sim.stamped(f"/stream?streams={self.STREAMS}"))
            self.assertEqual(end, max(whole[-1][0], START + 60_000 * MS) + 5_000 * MS)
            for k in (0, 1000, len(whole) - 2):
                rest_of_it, _ = read_stamped(sim.stamped(f"/stream?streams={self.STREAMS}&from={whole[k][0]}"))
                self.assertEqual(rest_of_it, whole[k + 1:])

    def test_it_hangs_together(self):
        with Simulator(*self.ARGS, "--speed", "max") as sim:
            lines, _ = read_stamped(sim.stamped(f"/stream?streams={self.STREAMS}"))
            for symbol in ("BTCUSDT", "ETHUSDT"):
                self.check_symbol(sim, symbol, [(s, m) for s, m in lines if m["stream"].startswith(symbol.lower())])

    def check_symbol(self, sim, symbol, lines):
        asked = START + 20_000 * MS
        reply = sim.get(f"/api/v3/depth?symbol={symbol}&limit=5000&nj_stamp={asked}")
        book = Book(reply.json())
        tickers, trade_ids, seconds, compared = {}, [], 0, 0
        last_u = None
        for stamp, message in lines:
            data, stream = message["data"], message["stream"].split("@", 1)[1]
            if stream == "bookTicker":
                tickers[data["u"]] = data
            elif stream == "trade":
                trade_ids.append(data["t"])
            elif stream == "kline_1s":
                seconds += 1
                self.assertTrue(data["k"]["x"])
            elif stream == "depth@100ms":
                self.assertTrue(last_u is None or data["U"] == last_u + 1)
                last_u = data["u"]
                book.apply(data)
                ticker = tickers.get(max((u for u in tickers if u <= data["u"]), default=None))
                if stamp > int(reply.headers["x-nightjar-stamp"]) and ticker:
                    self.assertEqual(book.top(), top_of(ticker))
                    compared += 1
        self.assertGreater(compared, 300)
        self.assertEqual(trade_ids, list(range(trade_ids[0], trade_ids[0] + len(trade_ids))))
        self.assertEqual(seconds, 60)

    def test_exchange_info(self):
        with Simulator(*self.ARGS) as sim:
            reply = sim.get("/api/v3/exchangeInfo")
            self.assertEqual([s["symbol"] for s in reply.json()["symbols"]], ["BTCUSDT", "ETHUSDT"])
            self.assertEqual(reply.headers["x-nightjar-simulator"], "simulated")
            self.assertNotIn("x-nightjar-derived", reply.headers)

    def test_follows_the_clock(self):
        with Simulator("--rate", "100") as sim:
            client = sim.ws("/ws/btcusdt@trade")
            for _ in range(20):
                self.assertLess(abs(client.recv()["E"] / 1000 - time.time()), 3)
            self.assertLess(abs(sim.get("/api/v3/time").json()["serverTime"] / 1000 - time.time()), 3)

    def test_plain_procedure(self):
        with Simulator("--rate", "200") as sim:
            client = sim.ws("/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker")
            time.sleep(0.3)
            book = Book(sim.get("/api/v3/depth?symbol=BTCUSDT&limit=5000").json())
            newest = None
            while book.applied < 10:
                message = client.recv()
                if message["stream"].endswith("bookTicker"):
                    newest = message["data"]
                elif book.apply(message["data"]) and newest["u"] <= book.id:
                    self.assertEqual(book.top(), top_of(newest))

    def test_slow_client_is_cut(self):
        with Simulator("--rate", "20000") as sim:
            client = sim.ws("/stream?streams=" + self.STREAMS, rcvbuf=4096)
            time.sleep(3)
            with self.assertRaises((Closed, ConnectionError)):
                while True:
                    client.recv()
            self.assertIn("client too slow, cut", sim.log())
            self.assertEqual(sim.truth()["drops"], 1)


class Faults(WithFixture):
    def lost(self, sent):
        """What is missing of the recording, as stamps."""
        return sorted({s for s, _ in self.fixture.frames()} - {s for s, _ in sent})

    def test_skip_and_the_truth(self):
        frames = self.fixture.frames(DEPTH)
        with self.sim("--speed", "max", "--faults", f"skip@50:{DEPTH}*3") as sim:
            lines, _ = read_stamped(sim.stamped(ALL))
            self.assertEqual(self.lost(lines), [s for s, _ in frames[50:53]])
            truth = sim.truth()
            blind, = truth["blind"]
            self.assertEqual((blind["stream"], blind["why"], blind["frames"]), (DEPTH, "skipped", 3))
            self.assertEqual((blind["first_id"], blind["last_id"]), (frames[50][1]["data"]["U"], frames[52][1]["data"]["u"]))
            self.assertEqual((blind["from"], blind["to"]), (frames[50][0], frames[52][0]))
            about = truth["streams"][DEPTH]
            self.assertEqual((about["frames"], about["sent"], about["skipped"]), (len(frames), len(frames) - 3, 3))
            self.assertEqual((about["first_id"], about["last_id"]), (frames[0][1]["data"]["U"], frames[-1][1]["data"]["u"]))

    def test_duplicate(self):
        with self.sim("--speed", "max") as sim:
            sim.fault(fault="duplicate", after_frames=10, count=2, stream=TRADE)
            lines, _ = read_stamped(sim.stamped(f"/stream?streams={TRADE}"))
            frames = self.fixture.frames(TRADE)
            self.assertEqual(lines, frames[:10] + [frames[10]] * 2 + [frames[11]] * 2 + frames[12:])
            self.assertEqual(sim.truth()["streams"][TRADE]["duplicated"], 2)

    def test_drop_and_resume_loses_nothing(self):
        for fault in ("drop", "close"):
            with self.sim("--speed", "max", "--faults", f"{fault}@500") as sim:
                client = sim.stamped(ALL)
                lines = []
                with self.assertRaises(Closed) as closed:
                    while True:
                        lines.append(client.recv_stamped())
                self.assertEqual(closed.exception.code, 1006 if fault == "drop" else 1001)
                self.assertEqual(len(lines), 500)
                more, _ = read_stamped(sim.stamped(f"{ALL}&from={lines[-1][0]}"))
                self.assertEqual(lines + more, self.fixture.frames())
                self.assertEqual(sim.truth()["blind"], [])

    def test_drop_of_a_plain_client_is_blind_time(self):
        with self.sim("--speed", "20", "--faults", "drop@100") as sim:
            client = sim.ws(ALL)
            with self.assertRaises(Closed):
                while True:
                    last = client.recv()
            time.sleep(0.1)
            client = sim.ws(ALL)
            first = client.recv()
            frames = self.fixture.frames()
            messages = [m for _, m in frames]
            gap = frames[messages.index(last) + 1:messages.index(first)]
            self.assertGreater(len(gap), 3)
            blind = sim.truth()["blind"]
            self.assertEqual(sum(b["frames"] for b in blind), len(gap))
            self.assertEqual({b["why"] for b in blind}, {"unheard"})
            self.assertEqual((min(b["from"] for b in blind), max(b["to"] for b in blind)), (gap[0][0], gap[-1][0]))

    def test_reset(self):
        with self.sim("--speed", "max", "--faults", "reset@500") as sim:
            with self.assertRaises((Closed, ConnectionError)):
                read_stamped(sim.stamped(ALL))

    def test_corrupt(self):
        for variant, check in (("truncate", lambda b: self.assertRaises(ValueError, json.loads, b)),
                               ("utf8", lambda b: self.assertRaises(UnicodeDecodeError, b.decode)),
                               ("type", lambda b: self.assertEqual(json.loads(b)["data"], []))):
            with self.sim("--speed", "max", "--faults", f"corrupt@2={variant}") as sim:
                client = sim.stamped(ALL)
                client.recv_stamped(), client.recv_stamped()
                check(client.recv_bytes().split(b" ", 1)[1])
                read_stamped(client)
                blind, = sim.truth()["blind"]
                self.assertEqual((blind["why"], blind["frames"]), ("corrupted", 1))

    def test_delay_keeps_order(self):
        with self.sim("--speed", "max", "--faults", "delay@10=400") as sim:
            begin = time.monotonic()
            lines, _ = read_stamped(sim.stamped(ALL))
            self.assertEqual(lines, self.fixture.frames())
            self.assertGreater(time.monotonic() - begin, 0.39)

    def test_silent(self):
        with self.sim("--speed", "20", "--faults", "silent@20=300", "--ping-ms", "50") as sim:
            client = sim.ws(f"/stream?streams={TRADE}")
            seen, pause, last = [], 0, time.monotonic()
            for _ in range(40):
                seen.append(client.recv())
                pause, last = max(pause, time.monotonic() - last), time.monotonic()
            self.assertGreater(pause, 0.25)
            self.assertGreater(client.pings, 3)
            ids = [m["data"]["t"] for m in seen]
            hole, = [(a, b) for a, b in zip(ids, ids[1:]) if b != a + 3]
            blind, = sim.truth()["blind"]
            self.assertEqual((blind["first_id"], blind["last_id"]), (hole[0] + 3, hole[1] - 3))

    def test_shutdown_event(self):
        with self.sim("--speed", "max", "--faults", "shutdown@5") as sim:
            lines, _ = read_stamped(sim.stamped(ALL))
            self.assertEqual(lines[5][1], {"stream": "!serverShutdown",
                                           "data": {"e": "serverShutdown", "E": lines[6][0] // MS}})
            del lines[5]
            self.assertEqual(lines, self.fixture.frames())

    def test_bad_frame_and_huge(self):
        with self.sim("--speed", "max", "--faults", "bad_frame@5") as sim:
            with self.assertRaises(Closed) as closed:
                read_stamped(sim.stamped(ALL))
            self.assertEqual(closed.exception.code, 1002)
        with self.sim("--speed", "max", "--faults", "huge@5=3") as sim:
            client = sim.stamped(ALL)
            for _ in range(5):
                client.recv_stamped()
            self.assertEqual(len(client.recv_bytes()), (3 << 20) + 2)
            self.assertEqual(client.recv_stamped(), self.fixture.frames()[5])

    def test_slow_close_and_no_pong(self):
        with self.sim("--speed", "max", "--faults", "slow_close@5=300,no_pong@0") as sim:
            client = sim.stamped(ALL)
            client.send(b"a", PING)
            with self.assertRaises(Closed) as closed:
                read_stamped(client)
            self.assertEqual((closed.exception.code, client.pongs), (1001, []))
            begin = time.monotonic()
            with self.assertRaises((Closed, ConnectionError)):
                client.recv()
            self.assertTrue(0.1 < time.monotonic() - begin < 9)

    def test_status_and_wrong_snapshot(self):
        with self.sim("--faults", "status@0*2=503,wrong_snapshot@0:BTCUSDT=old,wrong_snapshot@1=crossed") as sim:
            depth = "/api/v3/depth?symbol=BTCUSDT&limit=5"
            for _ in range(2):
                reply = sim.get(depth)
                self.assertEqual((reply.status, reply.headers["retry-after"]), (503, "1"))
            sim.fault(fault="status", status=418, retry_after=9)
            reply = sim.get(depth)
            self.assertEqual((reply.status, reply.headers["retry-after"]), (418, "9"))
            old, crossed, good = (sim.get(depth).json() for _ in range(3))
            self.assertLess(old["lastUpdateId"], good["lastUpdateId"] // 5)
            self.assertGreater(crossed["bids"][0][0], crossed["asks"][0][0])
            self.assertLess(good["bids"][0][0], good["asks"][0][0])

    def test_bad_faults_are_refused(self):
        with self.sim() as sim:
            for body in ({"fault": "nonsense"}, {"fault": "skip", "nonsense": 1}, {"fault": "skip", "ms": -1},
                         {"fault": "corrupt", "variant": "nonsense"}, [], "x"):
                self.assertEqual(rest(sim.port, "/nightjar/fault", "POST", body).status, 400, body)
            self.assertEqual(sim.fault(fault="skip", after_frames=10**9), {"faults": 1})
            self.assertEqual(sim.fault(fault="clear"), {"faults": 0})


@unittest.skipUnless(shutil.which("openssl"), "no openssl program")
class Orders(unittest.TestCase):
    """A customer's orders over the wire, and what his stream says of them. The rest of it is unit.venue_sim.orders."""
    KEY, SECRET = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XA"

    def signed(self, text):
        return hmac.new(self.SECRET, text.encode(), hashlib.sha256).hexdigest()

    def ask(self, method, path, **params):
        query = urllib.parse.urlencode({**params, "recvWindow": 60000, "timestamp": int(time.time() * 1000)})
        conn = http.client.HTTPConnection("127.0.0.1", self.sim.port, timeout=20)
        try:
            conn.request(method, f"{path}?{query}&signature={self.signed(query)}", headers={"X-MBX-APIKEY": self.KEY})
            reply = conn.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            conn.close()

    def place(self, client_id, **terms):
        return self.ask("POST", "/api/v3/order", symbol="BTCUSDT", newClientOrderId=client_id, **terms)

    def subscribe(self):
        ws = self.sim.ws("/ws-api/v3")
        params = {"apiKey": self.KEY, "recvWindow": 60000, "timestamp": int(time.time() * 1000)}
        params["signature"] = self.signed(urllib.parse.urlencode(params))
        ws.send_json({"id": 1, "method": "userDataStream.subscribe.signature", "params": params})
        self.assertEqual(ws.recv()["status"], 200)
        return ws

    def manners(self, **wish):
        reply = rest(self.sim.port, "/nightjar/orders", "POST", wish)
        self.assertEqual(reply.status, 200, reply.body)

    def reports(self, ws, n):
        """The next n reports of orders, and the newest balances told between them."""
        found, balances = [], {}
        while len(found) < n:
            event = ws.recv()["event"]
            if event["e"] == "executionReport":
                found.append((event["x"], event["X"], event["C"] or event["c"]))
            else:
                balances.update({b["a"]: (float(b["f"]), float(b["l"])) for b in event["B"]})
        return found, balances

    def test_orders_and_their_stream(self):
        with tempfile.TemporaryDirectory() as folder:
            account = os.path.join(folder, "account")
            with open(account, "w") as f:
                f.write(f"{self.KEY}\n{self.SECRET.decode()}\nBTC 2 0\nUSDT 1000000 0\n")
            with Simulator("--account", account, "--trading", "--symbols", "BTCUSDT") as self.sim:
                self.run_orders(self.subscribe())

    def run_orders(self, ws):
        buy = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.5", "price": "100"}
        status, order = self.place("one", **buy)
        self.assertEqual((status, order["status"], order["fills"]), (200, "NEW", []))
        self.assertEqual(self.reports(ws, 1)[0], [("NEW", "NEW", "one")])
        self.assertEqual(self.place("one", **buy), (400, {"code": -2010, "msg": "Duplicate order sent."}))
        self.manners(fill="one", qty="0.2")
        found, balances = self.reports(ws, 1)
        self.assertEqual((found, balances["USDT"]), ([("TRADE", "PARTIALLY_FILLED", "one")], (999950.0, 50.0)))
        # the answer is lost; the order is there, and its stream tells
        self.manners(fault="lost", of="place", twice=1)
        self.assertRaises(ConnectionError, self.place, "two", **buy)
        self.assertEqual(self.reports(ws, 2)[0], [("NEW", "NEW", "two")] * 2)
        self.assertEqual(self.ask("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="two")[1]["status"], "NEW")
        # it arrives only after we were told that nobody knows, and its report is late
        self.manners(fault="unavailable", after_ms=200, late_ms=100)
        self.assertRaises(ValueError, self.place, "three", **buy)  # a page that is no JSON
        self.assertEqual(self.reports(ws, 1)[0], [("NEW", "NEW", "three")])
        self.assertEqual(len(self.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")[1]), 3)
        self.assertEqual(sorted(c for _, _, c in self.reports(ws, 3)[0]), ["one", "three", "two"])
        told = self.sim.get("/nightjar/orders").json()
        self.assertEqual((told["placed"], told["struck"], len(told["orders"]), told["trades"]), (3, 2, 3, 1))


class Tls(WithFixture):
    def test_rest_and_stream(self):
        cert, key = (os.path.join(self.folder.name, n) for n in ("cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        with self.sim("--tls", f"{cert},{key}", "--speed", "max") as sim:
            tls = tls_trusting(cert)
            self.assertEqual(rest(sim.port, "/api/v3/ping", tls=tls).status, 200)
            client = sim.stamped(ALL, tls=tls)
            self.assertEqual(read_stamped(client)[0], self.fixture.frames())
            with socket.create_connection(("127.0.0.1", sim.port)) as plain:
                plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
                plain.settimeout(5)
                try:
                    self.assertNotIn(b"HTTP", plain.recv(100))
                except ConnectionResetError:
                    pass


@unittest.skipUnless(os.path.isdir(CAPTURES), "no recordings (NIGHTJAR_CAPTURES)")
class Recorded(unittest.TestCase):
    """Real recordings: books from our snapshots and their diffs, against the venue's own bookTicker."""

    def sync(self, path, symbols, extra=()):
        with Simulator("--capture", path, "--speed", "max", *extra) as sim:
            streams = "/".join(f"{s.lower()}@{c}" for s in symbols for c in ("depth@100ms", "bookTicker"))
            lines, _ = read_stamped(sim.stamped(f"/stream?streams={streams}"))
            return {s: self.fold(sim, s, [(t, m) for t, m in lines if m["stream"].startswith(s.lower() + "@")])
                    for s in symbols}, sim.get("/nightjar/state").json()

    def fold(self, sim, symbol, lines):
        reply = sim.get(f"/api/v3/depth?symbol={symbol}&limit=5000&nj_stamp={lines[0][0]}")
        self.assertEqual(reply.status, 200, symbol)
        book = Book(reply.json())
        dropped = equal = compared = 0
        newest = {}
        for _, message in lines:
            if message["stream"].endswith("bookTicker"):
                newest[message["data"]["u"]] = message["data"]
        ids = sorted(newest)
        at = 0
        for _, message in lines:
            if not message["stream"].endswith("depth@100ms"):
                continue
            if not book.apply(message["data"]):
                dropped += 1
                continue
            while at + 1 < len(ids) and ids[at + 1] <= book.id:
                at += 1
            if ids and ids[at] <= book.id:
                compared += 1
                equal += book.top() == top_of(newest[ids[at]])
        return {"dropped": dropped, "applied": book.applied, "equal": equal, "compared": compared}

    def test_spot_two_days(self):
        path = ",".join(os.path.join(CAPTURES, f"binance/spot/btcusdt_2024080{d}.gz") for d in (8, 9))
        result, _ = self.sync(path, ["BTCUSDT"])
        self.assertEqual(result["BTCUSDT"], {"dropped": 2, "applied": 6493, "equal": 6491, "compared": 6493})

    def test_cryptofeed_four_symbols(self):
        path = os.path.join(CAPTURES, "binance/rest/BINANCE.jsonl.zst")
        result, _ = self.sync(path, ["NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"])
        self.assertEqual(sum(r["applied"] + r["dropped"] for r in result.values()), 177)
        for r in result.values():
            self.assertGreaterEqual(r["equal"], r["compared"] - 1)
        with Simulator("--capture", path) as sim:
            info = sim.get("/api/v3/exchangeInfo?symbol=NKNUSDT").json()
            self.assertEqual(info["symbols"][0]["baseAsset"], "NKN")
            self.assertEqual(sim.get("/nightjar/state").json()["origin"], "replay")
            self.assertGreater(len(sim.get("/api/v3/exchangeInfo").body), 1_800_000)

    def test_exchange_info_of_a_recording(self):
        with Simulator("--exchange-info", os.path.join(CAPTURES, "binance/rest/BINANCE.jsonl.zst")) as sim:
            reply = sim.get("/api/v3/exchangeInfo?symbol=BTCUSDT").json()
            self.assertIn("filters", reply["symbols"][0])

    def test_a_damaged_recording_ends_early(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "cut.gz")
            with open(os.path.join(CAPTURES, "binance/spot/btcusdt_20240808.gz"), "rb") as f, open(path, "wb") as out:
                out.write(f.read(300_000))
            with Simulator("--capture", path, "--speed", "max") as sim:
                lines, _ = read_stamped(sim.stamped(ALL))
                self.assertGreater(len(lines), 5000)
                self.assertIn("recording is damaged", sim.log())


if __name__ == "__main__":
    unittest.main(warnings="ignore")
