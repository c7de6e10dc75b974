"""The examples for other languages against a live bus: a subscriber without holes, and a strategy outside whose wishes are orders."""
import json
import os
import subprocess
import sys
import time

from live import Live, compare_with_journals
from records import ledger_digest, ledger_rows
from stack import BIN, SOURCE, Stack, btc_captures, skip, wait_for

EXAMPLES = os.path.join(SOURCE, "examples", "python")


def python():
    """An interpreter that has pyzmq and msgpack: ours, or Debian's."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        done = subprocess.run([candidate, "-c", "import zmq, msgpack"], stderr=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            return candidate
    return skip("no pyzmq or no msgpack for Python (Debian: python3-zmq, python3-msgpack)")


PYTHON = python()


class Outside(Live):
    """A live stack whose only seat is for a program outside."""

    def write_settings(self):
        super().write_settings()
        write_seat(self)

    def until_running(self):
        self.until_trusted()
        self.until("the strategy", lambda: (self.status("strategy") or {}).get("life") == 4)


def write_seat(s):
    path = s.path("nightjar.conf")
    with open(path) as f:
        text = f.read()
    text = text[:text.index("strategy\n")] + "\n".join([
        "strategy", '    seats = "python"', "    python", '        strategy = "external"',
        '        instrument = "BTCUSDT.BINANCE"', ""])
    with open(path, "w") as f:
        f.write(text)
    with open(s.path("schema.json"), "w") as f:
        subprocess.run([os.path.join(BIN, "nj"), "schema", "--json"], stdout=f, check=True)


def example(s, name, *args):
    return [PYTHON, "-B", os.path.join(EXAMPLES, name), "--bus", s.path("bus"), "--schema", s.path("schema.json"), *args]


# A follower that loses every seventh frame, as ZeroMQ does to a reader that is too slow.
LOSSY = """
import sys
sys.path.insert(0, sys.argv[1])
from nightjar import Follower, Schema

class Lossy:
    def __init__(self, socket):
        self.socket, self.n = socket, 0
    def poll(self, ms):
        return self.socket.poll(ms)
    def recv(self):
        self.n += 1
        if self.n % 7 == 0 and self.socket.poll(5000):
            self.socket.recv()
        return self.socket.recv()

f = Follower(Schema(sys.argv[3]), sys.argv[2], "collector", "trade.")
f.socket = Lossy(f.socket)
last = {}
for n, (topic, ev) in enumerate(f.events(20)):
    assert ev["seq"] == last.get(topic, ev["seq"] - 1) + 1, (topic, last, ev)
    last[topic] = ev["seq"]
    if n == 500:
        break
assert f.holes >= 10 and f.repaired >= f.holes, (f.holes, f.repaired)
print(f.holes, f.repaired)
"""


def run_strategy(s, *args, name="python"):
    s.spawn(name, example(s, "strategy.py", "--qty", "0.01", "--state", s.path("state.json"), *args))


def remembered(s):
    try:
        with open(s.path("state.json")) as f:
            return json.load(f)
    except (OSError, ValueError):
        return {"orders": 0}


def fills(s):
    return s.rows("SELECT client_order_id FROM fills WHERE strategy = 'python'")


def check_ledger(s, orders):
    """Every wish once: an intent, an order, fills, all of them with the same id; nothing else is there."""
    wishes = [r["nonce"] for r in s.rows("SELECT nonce FROM wishes WHERE nonce <> '' ORDER BY seq")]
    intents = s.rows("SELECT ordinal, wish, client_order_id, cause_at FROM intents WHERE kind = 'order' ORDER BY seq")
    assert len(wishes) == len(set(wishes)), "a wish was taken in twice: %s" % wishes
    assert [r["ordinal"] for r in intents] == list(range(1, len(intents) + 1)), [tuple(r) for r in intents]
    assert {r["wish"] for r in intents} <= set(wishes) and len(intents) >= orders, (len(intents), orders)
    filled = {r["client_order_id"] for r in fills(s)}
    assert {r["client_order_id"] for r in intents[:orders]} <= filled, "orders without fills"
    assert filled <= {r["client_order_id"] for r in intents}, "fills of nobody's orders"
    return len(intents)


def test_subscriber():
    with Outside("py-sub") as s:
        s.start()
        s.until_running()
        done = subprocess.run(example(s, "subscriber.py", "--count", "300"), capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()
        lines = done.stdout.decode().splitlines()
        assert len(lines) == 300 and all(" BTCUSDT.BINANCE " in l and l.endswith("simulated") for l in lines), lines[:3]
        done = subprocess.run([PYTHON, "-B", "-c", LOSSY, EXAMPLES, s.path("bus"), s.path("schema.json")],
                              capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()
        print("subscriber: 300 trades; of 500 more %s holes, %s events asked for again" % tuple(done.stdout.decode().split()))


def test_strategy():
    with Outside("py-strategy") as s:
        s.start()
        s.until_running()
        run_strategy(s, "--every", "20", "--orders", "6")
        s.until("six orders", lambda: s.processes["python"].poll() is not None or remembered(s)["orders"] >= 6, 180)
        assert s.processes.pop("python").wait(timeout=60) == 0, s.log("python")
        s.until("the fills in the database", lambda: len({r[0] for r in fills(s)}) >= 6)
        n = check_ledger(s, 6)
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
        compare_with_journals(s)
        print("strategy: %d orders" % n)


def test_a_dead_program_does_not_trade():
    with Outside("py-dead", settings=("run.snapshot_events=500",)) as s:
        s.start()
        s.until_running()
        run_strategy(s, "--every", "20")
        s.until("orders", lambda: len(fills(s)) >= 2, 120)
        s.kill("python")
        s.until("the alert", lambda: s.rows("SELECT 1 FROM alerts WHERE rule = 'external_gone' AND state = 'raised' "
                                            "AND subject = 'python' AND message LIKE '%has not been heard of%'"))
        before = s.metric("strategy", "strategy_orders_total")
        handled = s.metric("strategy", "handled")
        s.until("two seconds of market", lambda: s.metric("strategy", "handled") > handled + 2 * 10**9)
        assert s.metric("strategy", "strategy_orders_total") == before
        # It comes back, and goes on where it was; then the service dies under it, and comes back.
        run_strategy(s, "--every", "20")
        s.until("the alert's end", lambda: s.rows("SELECT 1 FROM alerts WHERE rule = 'external_gone' AND state = 'resolved'"))
        for _ in range(3):
            n = remembered(s)["orders"]
            s.until("more orders", lambda: remembered(s)["orders"] >= n + 2, 120)
            s.kill("strategy")
            s.start_service("strategy")
        n = remembered(s)["orders"]
        s.until("orders after the restart", lambda: remembered(s)["orders"] >= n + 2, 120)
        s.kill("python")
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
        assert s.status("strategy") is None
        wished = remembered(s)["orders"]
        n = check_ledger(s, 2)
        assert wished <= n <= wished + 2, "%d orders, the program remembers %d" % (n, wished)
        compare_with_journals(s)
        print("dead program, dead service: %d orders, each once" % n)


END = 1723161904535092233 + 5 * 10**9  # stamp of the last recorded frame, and the time that is played after it


class Recorded(Stack):
    """The same seat in lockstep, on a recording."""

    def write_settings(self):
        super().write_settings()
        write_seat(self)


def lockstep_run(name, disturb=None):
    capture = btc_captures()
    with Recorded(name, capture=capture, settings=("strategy.external_latency=200ms", "run.snapshot_events=2000")) as s:
        s.start()
        run_strategy(s, "--every", "150")
        if disturb:
            disturb(s)
        s.wait_until_finished(END, 240)
        s.kill("python")
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
        rows = list(ledger_rows(s.database))
        parity = [ev for _, _, ev in rows if ev[0] == 0x0007]
        assert not parity, "lockstep had %d parity exceptions" % len(parity)
        orders = sum(1 for _, _, ev in rows if ev[0] == 0x0201)
        assert orders >= 10, "only %d intents" % orders
        return ledger_digest(s.database), orders


def storm(s):
    """Both sides of the seat die, and come back, at times that have nothing to do with the market's."""
    for _ in range(3):
        for name in ("python", "strategy"):
            n = remembered(s)["orders"]
            try:
                wait_for(lambda: remembered(s)["orders"] >= n + 2 or s.finished(END), 60, "two more orders")
            finally:
                s.kill(name)
            if name == "python":
                run_strategy(s, "--every", "150")
            else:
                s.start_service(name)


def test_lockstep_is_the_same_whatever_the_program_does():
    first, orders = lockstep_run("py-lock")
    print("lockstep: %s, %d intents" % (first, orders))
    again, _ = lockstep_run("py-again")
    assert again == first, "%s differs from %s" % (again, first)
    killed, _ = lockstep_run("py-storm", storm)
    assert killed == first, "with kills %s differs from %s" % (killed, first)


def main():
    chosen = [t for n, t in globals().items() if n.startswith("test_") and (len(sys.argv) < 2 or sys.argv[1] in n)]
    for test in chosen:
        began = time.monotonic()
        test()
        print("%-36s %.1f s" % (test.__name__, time.monotonic() - began), flush=True)
    print("%d passed, 0 failed" % len(chosen))


if __name__ == "__main__":
    main()
