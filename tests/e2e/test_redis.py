"""Redis missing, killed, hung, full, closed, poisoned, lying: the ledger is the one of a run without Redis, to the byte; every
service beats on, says once what is wrong and counts it; nj doctor names it."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from records import holes, ledger_digest
from stack import BIN, SERVICES, Stack, btc_captures, skip, wait_for

END = 1723161904535092233
NJ = os.path.join(BIN, "nj")


class Redis:
    """A redis-server on a socket in a private directory."""

    def __init__(self, folder):
        self.folder, self.path, self.process = folder, os.path.join(folder, "redis.sock"), None

    def start(self, *more):
        argv = ["redis-server", "--port", "0", "--unixsocket", self.path, "--save", "", "--appendonly", "no", "--dir", self.folder]
        self.process = subprocess.Popen(argv + list(more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: "PONG" in self.ask("ping"), 30, "Redis")

    def ask(self, *words):
        p = subprocess.run(("redis-cli", "-s", self.path) + words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
        return p.stdout.decode(errors="replace").strip()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(30)


class Cached(Stack):
    """A stack with redis.url set, at a speed that leaves time for faults."""

    def __init__(self, name, capture, speed="25"):
        super().__init__(name, speed=speed, capture=capture)
        self.redis = Redis(self.dir)
        self.extra.append("redis.url=unix:" + self.redis.path)

    def __exit__(self, *exc):
        self.redis.kill()
        super().__exit__(*exc)

    def count(self, name):
        return {service: (self.status(service) or {}).get(name, 0) for service in SERVICES}

    def tell(self, name):
        return ([line for line in self.log(name).splitlines() if "cache" in line][-5:],
                {k: v for k, v in (self.status(name) or {}).items() if k.startswith("cache")})

    def until_connected(self):
        self.until("everybody to be connected", lambda: all(self.count("cache_connected").values()))

    def until_well(self, times):
        """Everybody has said so often that the cache is well again."""
        self.until("the cache to be well", lambda: all(self.log(n).count("the cache is well again") >= times for n in SERVICES))

    def lines(self, service, text):
        return [line for line in self.log(service).splitlines() if text in line]

    def check_said(self, text, times, reason):
        """Each service has said it so often, and why: once for each time, and not for each failure. (A machine under load may make
        Redis late once or twice on its own account.)"""
        self.until("everybody to say: " + text, lambda: all(self.lines(n, text) for n in SERVICES))
        for name in SERVICES:
            said = self.lines(name, text)
            assert times <= len(said) <= times + 2, "%s said it %d times: %s" % (name, len(said), said)
            assert re.search(reason, said[-1]), "%s: no word of %s: %s" % (name, reason, said[-1])

    def check_said_by(self, service, text, reason):
        self.until("%s to say: %s" % (service, text), lambda: any(re.search(reason, line) for line in self.lines(service, text)))

    def check_beating(self):
        """Three heartbeats of each service while Redis is as it is now, and answers to questions."""
        seen = {}
        tap = subprocess.Popen([NJ, "tap", "heartbeat", "--json", "--config", self.path("nightjar.conf")], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
        guard = threading.Timer(60, tap.kill)
        guard.start()
        for line in tap.stdout:
            source = json.loads(line)["source"]
            seen[source] = seen.get(source, 0) + 1
            if all(seen.get(name, 0) >= 3 for name in SERVICES):
                break
        guard.cancel()
        tap.kill()
        tap.wait(10)
        tap.stdout.close()
        assert all(seen.get(name, 0) >= 3 for name in SERVICES), "heartbeats stopped: %s" % seen
        assert all(self.status(name, timeout=20) for name in SERVICES)

    def doctor(self, url=None):
        url = url or "unix:" + self.redis.path
        argv = [NJ, "doctor", "cache", "--json", "--config", self.path("nightjar.conf"), "--set", "redis.url=" + url]
        p = subprocess.run(argv, stdout=subprocess.PIPE, timeout=60)
        return {c["name"]: c for c in json.loads(p.stdout)["checks"]}

    def check_doctor(self, check, verdict, cause):
        found = self.doctor()[check]
        assert found["verdict"] == verdict and (not cause or re.search(cause, found["cause"] or "")), found

    def finish(self):
        self.wait_until_finished(END, 180)
        codes = self.stop()
        assert all(c == 0 for c in codes.values()), codes
        assert not holes(self.database), holes(self.database)
        for name in SERVICES:
            assert "level=error" not in self.log(name), [line for line in self.log(name).splitlines() if "level=error" in line][:5]
        return ledger_digest(self.database)


def calm(capture):
    with Stack("no-redis", capture=capture) as s:
        s.start()
        s.wait_until_finished(END, 120)
        s.stop()
        return ledger_digest(s.database)


AWAY, REFUSES = "the cache is away", "the cache refuses values"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check_guard(s, port):
    """Over TCP: without a password and with CONFIG; with a user that may do what we need and no more."""
    url = "127.0.0.1:%d" % port
    found = s.doctor(url)["cache.guard"]
    assert found["verdict"] == "fail" and "write files and load code" in found["cause"], found
    s.redis.ask("acl", "setuser", "default", "-@dangerous", "-@scripting", "+info", "+acl", "+shutdown")
    found = s.doctor(url)["cache.guard"]
    assert found["verdict"] == "warn" and "may write what dashboards show" in found["cause"], found
    assert "CONFIG no, MODULE no, EVAL no" in found["measured"], found


def test_gone(capture):
    """Not there at the start; there; killed; there again, empty."""
    with Cached("gone", capture) as s:
        s.start()
        s.check_said(AWAY, 1, "No such file|refused")
        s.check_beating()
        s.check_doctor("cache", "warn", "No such file|refused")
        assert all(n > 0 for n in s.count("cache_connect_failures").values())
        s.redis.start()
        s.until_connected()
        s.until("keys", lambda: s.redis.ask("exists", "nj:health:executor", "nj:health:collector") == "2")
        s.check_doctor("cache", "ok", None)
        s.check_doctor("cache.guard", "ok", None)
        s.check_doctor("cache.memory", "warn", "all of the machine's memory")
        s.until_well(1)
        s.redis.kill()
        s.until("everybody to notice", lambda: not any(s.count("cache_connected").values()))
        s.until("everybody to say so", lambda: all(len(s.lines(n, AWAY)) >= 2 for n in SERVICES))
        s.check_beating()
        s.check_said(AWAY, 2, "closed|refused|pipe|reset|No such file")
        port = free_port()
        s.redis.start("--maxmemory", "64mb", "--maxmemory-policy", "volatile-ttl", "--bind", "127.0.0.1", "--port", str(port))
        check_guard(s, port)
        s.until_connected()
        s.until("values written again", lambda: s.redis.ask("exists", "nj:health:executor", "nj:health:collector") == "2")
        s.check_doctor("cache.memory", "ok", None)
        endless = [k for k in s.redis.ask("--scan").split() if int(s.redis.ask("pttl", k)) == -1]
        assert not endless, endless
        return s.finish()


def test_hung(capture):
    """It accepts connections and says nothing."""
    with Cached("hung", capture) as s:
        s.redis.start()
        s.start()
        s.until_connected()
        s.redis.signal(signal.SIGSTOP)
        s.check_said(AWAY, 1, "no answer in time|in time")
        before = s.count("handled")
        s.check_beating()
        s.until("event time to go on", lambda: s.count("handled")["executor"] > before["executor"] or s.finished(END))
        s.check_doctor("cache", "warn", "does not answer")
        assert all(n > 0 for n in s.count("cache_timeouts").values())
        s.redis.signal(signal.SIGCONT)
        s.until_connected()
        assert all(1 <= len(s.lines(n, AWAY)) <= 3 for n in SERVICES)
        return s.finish()


def test_hostile(capture):
    """Keys of other types and without an end; no memory; a password that nobody told us; a server anybody can reach."""
    with Cached("hostile", capture) as s:
        s.redis.start()
        s.start()
        s.until_connected()
        trades = "nj:trades:BTCUSDT.BINANCE"
        s.until("trades", lambda: s.redis.ask("type", trades) == "list")
        s.redis.ask("set", trades, "poison")
        s.until("the poison to be gone", lambda: s.redis.ask("type", trades) == "list" and int(s.redis.ask("pttl", trades)) > 0)
        assert s.count("cache_wrong_type")["collector"] > 0
        s.check_said_by("collector", REFUSES, "WRONGTYPE")
        s.redis.ask("set", "nj:equity:nobody", "1000000")
        s.check_doctor("cache", "fail", "nj:equity:nobody never expires")
        s.redis.ask("del", "nj:equity:nobody")
        s.redis.ask("lpush", "nj:position:nobody", "1000000")
        s.redis.ask("expire", "nj:position:nobody", "600")
        s.check_doctor("cache", "warn", "nj:position:nobody is a list where a string belongs")
        s.redis.ask("del", "nj:position:nobody")
        s.redis.ask("set", "nj:orders:BTCUSDT", "buy", "ex", "600")
        s.check_doctor("cache", "warn", "nj:orders:BTCUSDT is none of our keys")
        s.redis.ask("del", "nj:orders:BTCUSDT")
        s.redis.ask("config", "set", "maxmemory", "1")
        s.until("a refusal for lack of memory", lambda: all(n > 0 for n in s.count("cache_oom").values()))
        s.check_said_by("executor", REFUSES, "OOM")
        s.check_beating()
        s.check_doctor("cache.memory", "warn", "refuses our values")
        s.redis.ask("config", "set", "maxmemory", "0")
        s.redis.ask("config", "set", "requirepass", "secret")
        s.redis.ask("-a", "secret", "client", "kill", "type", "normal", "skipme", "yes")
        s.until("everybody to be refused", lambda: not any(s.count("cache_connected").values()))
        s.check_beating()
        s.check_doctor("cache", "warn", "NOAUTH")
        return s.finish()


class Liar:
    """Speaks RESP as a server would that wants to hurt: greets, then answers with what no client should believe."""

    ANSWERS = [b"$536870912\r\n" + b"x" * (2 << 20), b"*1000000000\r\n" + b":1\r\n" * 200000, b"*1\r\n" * 200000, b"$-7\r\n",
               b"\0\xff\xfegarbage\r\n" * 1000, b"-ERR " + b"e" * (2 << 20) + b"\r\n", b":99999999999999999999999\r\n", b"", b"+O"]

    def __init__(self, path):
        self.listener, self.served, self.over = socket.socket(socket.AF_UNIX), 0, False
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while not self.over:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn, self.ANSWERS[self.served % len(self.ANSWERS)]), daemon=True).start()
            self.served += 1

    @staticmethod
    def serve(conn, answer):
        conn.settimeout(30)
        try:
            conn.recv(65536)
            conn.sendall(b"+PONG\r\n")
            conn.recv(65536)
            conn.sendall(answer)
            while conn.recv(65536):
                pass
        except OSError:
            pass
        conn.close()

    def close(self):
        self.over = True
        self.listener.close()


def resident(process):
    with open("/proc/%d/statm" % process.pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_liar(capture):
    with Cached("liar", capture) as s:
        liar = Liar(s.redis.path)
        s.start()
        s.until("each answer to have been given", lambda: liar.served >= 4 * len(Liar.ANSWERS), 150)
        s.check_beating()
        for name in SERVICES:
            assert s.lines(name, AWAY), "%s says nothing" % name
            assert len(s.lines(name, AWAY)) + len(s.lines(name, REFUSES)) < 20, "%s says too much" % name
            assert resident(s.processes[name]) < 600 << 20, "%s has grown to %d" % (name, resident(s.processes[name]))
        liar.close()
        return s.finish()


TESTS = (test_gone, test_hung, test_hostile, test_liar)


def main():
    if not shutil.which("redis-server") or not shutil.which("redis-cli"):
        skip("redis-server is not installed")
    capture = btc_captures()
    want = calm(capture)
    print("without Redis: %s" % want)
    for test in (t for t in TESTS if len(sys.argv) < 2 or any(word in t.__name__ for word in sys.argv[1:])):
        began = time.monotonic()
        got = test(capture)
        print("%-14s %s, %.0f s" % (test.__name__, got, time.monotonic() - began), flush=True)
        assert got == want, "%s: the ledger differs: %s instead of %s" % (test.__name__, got, want)
    print("ok")


main()
