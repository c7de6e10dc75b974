"""stack - runs the real services for a test: settings, processes, their status over the bus, their end."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from records import unpack

SOURCE = os.environ.get("NJ_SOURCE") or os.getcwd()
BIN = os.environ.get("NJ_BIN") or os.path.join(SOURCE, "build", "dev", "bin")
CAPTURES = os.environ.get("NIGHTJAR_CAPTURES") or os.path.join(SOURCE, "..", "shared", "captures")
LONG = os.environ.get("NJ_LONG", "") not in ("", "0")
SERVICES = ("persister", "executor", "strategy", "collector")
VERB = {"status": 1, "stop": 5, "pause": 6, "resume": 7}


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def btc_captures():
    spot = os.path.join(CAPTURES, "binance", "spot")
    files = [os.path.join(spot, "btcusdt_20240808.gz"), os.path.join(spot, "btcusdt_20240809.gz")]
    info = os.path.join(CAPTURES, "binance", "rest", "BINANCE.jsonl.zst")
    for path in files + [info]:
        if not os.path.exists(path):
            skip("no recorded data at %s (set NIGHTJAR_CAPTURES)" % CAPTURES)
    return files, info


def pack(value):
    """msgpack of the few kinds a request has."""
    if isinstance(value, list):
        return struct.pack(">BH", 0xDC, len(value)) + b"".join(pack(v) for v in value)
    if isinstance(value, str):
        raw = value.encode()
        return struct.pack(">BB", 0xD9, len(raw)) + raw
    return struct.pack(">Bq", 0xD3, value)


class Ask:
    """A DEALER socket in forty lines: ZMTP 3.0, NULL mechanism, over the service's unix socket."""

    def __init__(self, path, timeout):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(timeout)
        self.s.connect(path)
        self.s.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
        self.s.sendall(bytes([4, len(ready)]) + ready)
        self.read(64)
        self.frame()

    def read(self, n):
        data = b""
        while len(data) < n:
            got = self.s.recv(n - len(data))
            if not got:
                raise OSError("closed")
            data += got
        return data

    def frame(self):
        flags = self.read(1)[0]
        n = struct.unpack(">Q", self.read(8))[0] if flags & 2 else self.read(1)[0]
        return flags & 1, self.read(n)

    def send(self, body):
        self.s.sendall(bytes([0, len(body)]) + body if len(body) < 256 else b"\x02" + struct.pack(">Q", len(body)) + body)

    def ask(self, verb, target=""):
        body = pack([0x0401, 1, "test", 0, 0, 0, 0, 0, 0, VERB[verb], 7, 0, 0, 0, target, "test", "", 0, 0])
        self.send(body)
        more, reply = self.frame()
        while more:
            more, _ = self.frame()
        self.s.close()
        pairs = unpack(reply)[0][18]
        return {pairs[i]: pairs[i + 1] for i in range(0, len(pairs), 2)}


class Stack:
    """One stack in a directory of its own. Use as a context manager: nothing survives it."""

    def __init__(self, name, speed="max", pace="lockstep", origin="replay", capture=None, settings=(), sim_args=(), strategy=(), tcp=False):
        self.dir = tempfile.mkdtemp(prefix="nj-%s-" % name[:12])
        self.speed, self.pace, self.origin, self.capture = speed, pace, origin, capture
        self.extra, self.sim_args, self.strategy = list(settings), list(sim_args), dict(strategy)
        self.processes, self.port, self.tcp = {}, None, tcp

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for name in list(self.processes):
            self.kill(name)
        if exc[0] is None and not os.environ.get("NJ_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            print("left for a look: " + self.dir)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def shim(self, name):
        """A library of ours for LD_PRELOAD, which ends a path at a space or a colon: then a copy without."""
        path = os.path.join(BIN, name)
        if not set(path) & set(" :"):
            return path
        if not os.path.exists(self.path(name)):
            shutil.copy(path, self.path(name))
        return self.path(name)

    def until(self, what, condition, limit=60):
        """Waits while everybody lives; shows what each service says of itself where it was in vain."""
        def check():
            self.check_alive()
            return condition()
        try:
            return wait_for(check, limit, what)
        except AssertionError:
            for name in SERVICES:
                print(name, *self.tell(name))
            raise

    def tell(self, name):
        return self.status(name), self.log(name)[-1500:]

    @property
    def database(self):
        return self.path("data", "persister", "nightjar.db")

    def write_settings(self):
        strategy = {"instrument": "BTCUSDT.BINANCE", "interval": "1s", "fast": "3", "slow": "8", "entry": "alternate", "qty": "0.15"}
        strategy.update(self.strategy)
        lines = ["bus", '    dir = "%s"' % self.path("bus"), "run", '    data = "%s"' % self.path("data"), '    pace = "%s"' % self.pace,
                 '    origin = "%s"' % self.origin, '    run_id = "e2e"', "collector", '    symbols = "BTCUSDT"',
                 '    stream_url = "ws://127.0.0.1:%d"' % self.port, '    rest_url = "http://127.0.0.1:%d"' % self.port,
                 '    stamped = "true"', "strategy", '    seats = "ema_cross"', "    ema_cross"]
        lines += ['        %s = "%s"' % kv for kv in strategy.items()]
        if self.tcp:
            lines[2:2] = ['    transport = "tcp"', '    keys = "%s"' % self.path("keys"), '    peers = "%s"' % self.peers()]
        with open(self.path("nightjar.conf"), "w") as f:
            f.write("\n".join(lines) + "\n")

    def peers(self):
        """Three free ports in a row for each publisher, below those that the kernel gives to connections."""
        self.port_ = 10000 + os.getpid() % 700 * 16
        self.places = ",".join("%s=127.0.0.1:%d" % (name, self.next_port()) for name in SERVICES + ("watchdog",))
        return self.places

    def next_port(self):
        """The first of three that are free, behind those given out."""
        while not all(is_free(self.port_ + i) for i in range(3)):
            self.port_ += 3
        self.port_ += 3
        return self.port_ - 3

    def nj(self, *argv, timeout=60):
        return subprocess.run([os.path.join(BIN, "nj")] + list(argv) + ["--config", self.path("nightjar.conf")], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=timeout)

    def spawn(self, name, argv, env=()):
        log = open(self.path(name + ".log"), "ab")
        self.processes[name] = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                                env=dict(os.environ, **dict(env)))
        log.close()

    def start_venue(self):
        port_file = self.path("port")
        argv = [os.path.join(BIN, "venue_sim"), "--listen", "127.0.0.1:0", "--port-file", port_file, "--speed", self.speed]
        if self.capture:
            files, info = self.capture
            argv += ["--capture", ",".join(files), "--exchange-info", info]
        self.spawn("venue_sim", argv + self.sim_args)
        self.port = int(wait_for(lambda: os.path.exists(port_file) and open(port_file).read().strip(), 20, "venue_sim's port"))

    def start_service(self, name, env=(), more=()):
        argv = [os.path.join(BIN, "nightjar-" + name), "--config", self.path("nightjar.conf")]
        for setting in self.extra + list(more):
            argv += ["--set", setting]
        self.spawn(name, argv, env)

    def start(self):
        self.start_venue()
        self.write_settings()
        if self.tcp:
            assert self.nj("keys", "make").returncode == 0
        for name in SERVICES:
            self.start_service(name)

    def kill(self, name, sig=signal.SIGKILL):
        p = self.processes.pop(name, None)
        if p:
            if p.poll() is None:
                p.send_signal(sig)
            return p.wait(timeout=30)
        return None

    def stop(self):
        """SIGTERM in reverse order; every service must exit 0."""
        codes = {}
        for name in reversed(SERVICES):
            codes[name] = self.kill(name, signal.SIGTERM)
        self.kill("venue_sim", signal.SIGTERM)
        return codes

    def status(self, name, timeout=2.0):
        if self.tcp:
            rows = json.loads(self.nj("status", name, "--json").stdout or "[]")
            return rows[0]["values"] or None if rows else None
        try:
            return Ask(self.path("bus", name + ".rep"), timeout).ask("status")
        except (OSError, IndexError, ValueError):
            return None

    def log(self, name):
        try:
            with open(self.path(name + ".log"), errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def check_alive(self):
        for name, p in self.processes.items():
            if p.poll() is not None:
                raise AssertionError("%s ended with %s:\n%s" % (name, p.returncode, self.log(name)[-2000:]))

    def finished(self, end):
        """The recording is over, and everybody has handled and stored all of it."""
        x = {}
        for name in ("strategy", "executor", "collector"):
            st = self.status(name)
            if not st or (name != "collector" and st["handled"] < end):
                return False
            x[name] = st["x_last"]
        if "end of the recording" not in self.log("collector"):
            return False
        return all(stored(self.database, n) == x[n] for n in x) and x

    def wait_until_finished(self, end, limit=120):
        def done():
            self.check_alive()
            return self.finished(end)
        try:
            return wait_for(done, limit, "the end of the recording")
        except AssertionError:
            for name in SERVICES:
                print(name, self.status(name))
            raise


def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def stored(database, publisher):
    import sqlite3
    try:
        db = sqlite3.connect("file:%s?mode=ro" % database, uri=True, timeout=5)
        try:
            return db.execute("SELECT count(*) FROM xlog WHERE publisher = ?", (publisher,)).fetchone()[0]
        finally:
            db.close()
    except sqlite3.Error:
        return -1


def wait_for(condition, limit, what):
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %d s for %s" % (limit, what))
        time.sleep(0.05)
