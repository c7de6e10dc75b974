"""The whole stack over tcp: the same ledger as over ipc, to the byte; roles, revocation, and no secret anywhere but in its file.

Whoever has no key is told nothing, whoever may only look changes nothing, and a key that is revoked is out while it is
connected.
"""
import json
import os
import re
import resource
import signal
import socket
import subprocess
import time

from records import holes, lane_digests
from stack import BIN, SERVICES, Ask, Stack, stored, wait_for

SECONDS, RATE, START = 60, 40, 10**9
END = START + SECONDS * 10**9
SIM = ["--symbols", "BTCUSDT", "--duration", str(SECONDS), "--rate", str(RATE), "--seed", "3", "--start", str(START)]
SETTINGS = ("run.log_cap=4GiB", "run.log_keep=24h")
COMMANDS = (("pause", "--reason", "test"), ("resume", "--reason", "test"), ("reset", "--reason", "test"))


def finished(s):
    """What each has published is in the database, and nothing more comes."""
    def done():
        s.check_alive()
        if "end of the recording" not in s.log("collector"):
            return False
        st = {name: s.status(name) for name in ("strategy", "executor", "collector")}
        return all(st.values()) and all(stored(s.database, n) == v["x_last"] for n, v in st.items()) and \
            min(st["strategy"]["handled"], st["executor"]["handled"]) >= END and st
    return wait_for(done, 240, "the end of the recording")


# Few bytes that claim much, or go deep: none is a request.
BOMBS = [b"\xdd\xff\xff\xff\xff", b"\xdd\x04\x00\x00\x00", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
         b"\xdb\xff\xff\xff\xff", b"\xdc\xff\xff" + b"\xc0" * 100, b"\x91" * 60000, b"\x81\xa1a" * 20000,
         b"\xdd\x04\x00\x00\x00" * 100, b"\x98" + b"\xdc\xff\xff" * 8, b"", b"\xc1", bytes(60000)]


def resident_kib(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * resource.getpagesize() // 1024


def bombs(s):
    """Every service refuses them all, and holds no more than before."""
    for name in SERVICES:
        before = resident_kib(s.processes[name].pid)
        peer = Ask(s.path("bus", name + ".rep"), 20)
        for body in BOMBS * 50:
            peer.send(body)
        assert peer.ask("status")["pid"] == s.processes[name].pid
        grown = resident_kib(s.processes[name].pid) - before
        print("%s: %d bombs, grown by %d KiB" % (name, 50 * len(BOMBS), grown))
        assert grown < 16 * 1024, "%s has grown by %d KiB" % (name, grown)


def run(name, tcp):
    with Stack(name, origin="simulated", settings=SETTINGS, sim_args=SIM, tcp=tcp) as s:
        s.start()
        finished(s)
        if not tcp:
            bombs(s)
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
        assert not holes(s.database), holes(s.database)
        return lane_digests(s.database, s.path("data", "collector", "mlog"))


def same_ledger():
    ipc, tcp = run("ipc", False), run("tcp", True)
    for lane, (n, sha) in ipc.items():
        print("%-12s %6d events, %s over ipc, %s over tcp" % (lane + ":", n, sha[:16], tcp[lane][1][:16]))
        assert n > 0 and tcp[lane] == (n, sha), "lane %s differs: %s, %s" % (lane, (n, sha), tcp[lane])


def with_key(s, key, *argv):
    return s.nj(*argv, "--set", "bus.key=" + key)


def roles(s):
    assert s.nj("keys", "make", "tom", "--role", "tap").returncode == 0
    assert s.nj("keys", "make", "anna", "--role", "operator").returncode == 0
    wait_for(lambda: "running" in with_key(s, "tom", "status", "executor").stdout, 30, "the tap's status")
    tap = with_key(s, "tom", "tap", "heartbeat", "--count", "2", "--timeout", "20s")
    assert tap.returncode == 0 and "heartbeat" in tap.stdout, (tap.stdout, tap.stderr)
    for command in COMMANDS:
        out = with_key(s, "tom", *command)
        assert out.returncode != 0 and "role tap" in out.stdout + out.stderr, (command, out.stdout, out.stderr)
        out = with_key(s, "strategy", *command)
        assert out.returncode != 0 and "role service" in out.stdout + out.stderr, (command, out.stdout, out.stderr)
    assert s.status("executor")["requests_refused"] >= 2 * len(COMMANDS)
    out = with_key(s, "anna", "pause", "--reason", "test", "--lease", "1m")
    assert out.returncode == 0, (out.stdout, out.stderr)
    out = with_key(s, "anna", "resume", "--reason", "test")
    assert out.returncode == 0, (out.stdout, out.stderr)


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def body(row):
    return {k: v for k, v in row.items() if k not in ("source", "epoch", "seq", "origin", "ts_sent")}


def tools(s):
    """nj tap from the past on, nj play and nj bench, each with a key: over a sealed bus they are what they are over ipc."""
    file = s.path("trades.njtap")
    past = with_key(s, "tom", "tap", "-p", "collector", "--lane", "m", "-o", "beginning", "-e", "-J", "-W", "60s")
    of_topic = {}
    for row in rows(past.stdout):
        of_topic.setdefault(row["topic"], []).append(row["seq"])
    assert past.returncode == 0 and of_topic, past.stderr
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in of_topic.values()), "a hole in the past"
    taped = with_key(s, "tom", "tap", "trade", "-p", "collector", "--lane", "m", "-o", "beginning", "-c", "30", "--record", file)
    assert taped.returncode == 0, taped.stderr
    was = rows(s.nj("tap", "--read", file, "-J").stdout)
    more = {}
    for name in ("play", "bench"):  # publishers for a while: each a key of role service, and a place on the bus
        assert s.nj("keys", "make", name, "--role", "service").returncode == 0
        more[name] = "bus.peers=%s,%s=127.0.0.1:%d" % (s.places, name, s.next_port())
    argv = [os.path.join(BIN, "nj"), "play", file, "--speed", "max", "--linger", "60s", "--config", s.path("nightjar.conf"),
            "--set", "bus.key=play", "--set", more["play"]]
    player = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        seen = with_key(s, "tom", "tap", "-p", "play", "-o", "beginning", "-J", "-c", "30", "-W", "50s", "--set", more["play"])
        assert seen.returncode == 0, (seen.stderr, player.poll())
        assert len(was) == 30 and [body(r) for r in rows(seen.stdout)] == [body(r) for r in was]
    finally:
        player.terminate()
        player.communicate()
    for lane, rate in (("m", "2000"), ("x", "500")):
        out = with_key(s, "bench", "bench", "e2e", "--lane", lane, "-n", "1000", "--rate", rate, "--warmup", "100", "--idle", "20s",
                       "--json", "--set", more["bench"])
        assert out.returncode == 0, out.stderr
        pub, sub = json.loads(out.stdout)
        assert sub["messages"] == 1000 and sub["lost"] == 0 and sub["p50"] > 0, (pub, sub)
        print("over tcp with CURVE, lane %s: p50 %s us, p99 %s us" % (lane, sub["p50"] // 1000, sub["p99"] // 1000))
    # With another key than the one it is known by it publishes to nobody, and says so.
    argv[argv.index("bus.key=play")] = "bus.key=tom"
    player = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        told = player.stderr.readline()
        assert "nobody will hear this publisher" in told and "nj keys make play --role service" in told, told
        assert with_key(s, "tom", "tap", "-p", "play", "-o", "beginning", "-W", "2s", "--set", more["play"]).returncode == 5
    finally:
        player.terminate()
        player.communicate()


def taken_ports(s):
    """Somebody else listens where we should: that is said, and not that we are running already."""
    def port_of(name):
        return int(dict(p.split("=") for p in s.places.split(","))[name].rsplit(":", 1)[1])
    s.kill("strategy", signal.SIGTERM)
    began = len(s.log("strategy"))
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wait_for(lambda: takes(other, port_of("strategy") + 1), 30, "the port")
        other.listen()
        s.start_service("strategy")
        assert s.processes["strategy"].wait(60) == 1, s.log("strategy")[began:]
        s.processes.pop("strategy")
        said = s.log("strategy")[began:]
        assert "another program has one of our three ports" in said and "already running" not in said, said
    s.start_service("strategy")
    wait_for(lambda: (s.status("strategy") or {}).get("life") == 4, 60, "the strategy")


def takes(listener, port):
    try:
        listener.bind(("127.0.0.1", port))
        return True
    except OSError:
        return False


def revocation(s):
    argv = [os.path.join(BIN, "nj"), "tap", "heartbeat", "--config", s.path("nightjar.conf"), "--set", "bus.key=tom"]
    path = s.path("tap.out")
    with open(path, "wb") as out:
        tap = subprocess.Popen(argv, stdout=out, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: os.path.getsize(path) > 0, 30, "the tap's first heartbeat")
        before = s.status("executor")["bus_auth_failures"]
        assert s.nj("keys", "revoke", "tom").returncode == 0
        wait_for(lambda: all(s.status(n)["bus_auth_failures"] > 0 for n in SERVICES), 30, "the tap to be refused by all")
        assert s.status("executor")["bus_auth_failures"] > before
        size = os.path.getsize(path)
        beats = s.status("executor")["applied"]
        time.sleep(1.5)
        assert os.path.getsize(path) == size, "a revoked tap hears more"
        assert s.status("executor")["applied"] >= beats
    finally:
        tap.kill()
        tap.wait()
    wait_for(lambda: "rule=bus_refused" in s.log("executor"), 30, "the alert")


def no_secret(s, outputs):
    secrets = []
    for name in sorted(os.listdir(s.path("keys"))):
        if name.endswith(".secret"):
            with open(s.path("keys", name)) as f:
                secrets += [line.split('"')[1] for line in f if "secret-key" in line]
    assert len(secrets) >= 7, len(secrets)
    places = list(outputs)
    for folder, _, files in os.walk(s.dir):
        for file in files:
            path = os.path.join(folder, file)
            if not file.endswith(".secret") and os.path.isfile(path):
                with open(path, "rb") as f:
                    places.append((path, f.read()))
    for name, p in s.processes.items():
        for what in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (p.pid, what), "rb") as f:
                places.append((name + "'s " + what, f.read()))
    for where, text in places:
        for secret in secrets:
            assert secret.encode() not in text, "a secret key stands in " + where
    print("%d places searched for %d secrets" % (len(places), len(secrets)))


def no_core(s):
    """Aborted where cores of any size are allowed: none is written."""
    s.kill("strategy", signal.SIGTERM)
    argv = [os.path.join(BIN, "nightjar-strategy"), "--config", s.path("nightjar.conf")]
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    log = open(s.path("strategy.log"), "ab")
    marker = os.path.getsize(s.path("strategy.log"))
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        os.chdir(s.dir)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        os.execv(argv[0], argv)
    try:
        def started():
            with open(s.path("strategy.log"), "rb") as f:
                f.seek(marker)
                return b"life=running" in f.read()
        wait_for(started, 60, "the strategy")
        with open("/proc/%d/limits" % pid) as f:
            limit = next(line for line in f if line.startswith("Max core file size"))
        assert limit.split()[4] == "0", limit
    finally:
        os.kill(pid, signal.SIGABRT)
        _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) and not os.WCOREDUMP(status), status
    assert not [f for f in os.listdir(s.dir) if f.startswith("core")]


def address_taken(s):
    """By a program that is none of ours: no other executor is blamed for it."""
    with open(s.path("nightjar.conf")) as f:
        port = int(re.search(r"executor=127\.0\.0\.1:(\d+)", f.read()).group(1))
    s.kill("executor", signal.SIGTERM)
    began = len(s.log("executor"))
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        s.start_service("executor")
        assert s.processes["executor"].wait(60) == 1, s.log("executor")[began:]
    said = s.log("executor")[began:]
    assert "another program has" in said and ":%d" % port in said and "already running" not in said, said
    s.processes.pop("executor")
    s.start_service("executor")


def main():
    same_ledger()
    with Stack("roles", pace="live", origin="simulated", speed="1", sim_args=["--symbols", "BTCUSDT", "--seed", "3", "--rate", "20"],
               settings=("collector.stamped=false",), tcp=True) as s:
        s.start()
        wait_for(lambda: all((s.status(n) or {}).get("life") == 4 for n in SERVICES), 60, "the services")
        address_taken(s)
        roles(s)
        tools(s)
        taken_ports(s)
        revocation(s)
        outputs = [("nj " + " ".join(a), s.nj(*a).stdout.encode()) for a in
                   (("status",), ("status", "--json"), ("keys", "list"), ("keys", "list", "--json"), ("doctor", "--json"))]
        no_secret(s, outputs)
        no_core(s)
    print("ok")


main()
