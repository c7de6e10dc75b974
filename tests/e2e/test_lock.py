"""One of each service: started twice at once exactly one runs, the others say who; what kill -9 left behind is in nobody's way."""
import os
import re
import signal
import subprocess

from stack import BIN, LONG, SERVICES, Stack, wait_for

AT_ONCE, ROUNDS = 4, 250 if LONG else 15


def spawn(s, service, extra=()):
    argv = [os.path.join(BIN, "nightjar-" + service), "--set", "bus.dir=" + s.path("bus"), "--set", "run.data=" + s.path("data"),
            "--set", "collector.stream_url=ws://127.0.0.1:9", "--set", "collector.rest_url=http://127.0.0.1:9",
            "--set", "strategy.ema_cross.instrument=BTCUSDT.BINANCE"]
    return subprocess.Popen(argv + list(extra), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL, start_new_session=True)


def check_round(s, service, round_number):
    """Exactly one of those started at once goes on; each of the others ends with 3 and names it."""
    crowd = [spawn(s, service) for _ in range(AT_ONCE)]
    try:
        wait_for(lambda: sum(p.poll() is not None for p in crowd) >= AT_ONCE - 1, 60, "all but one to end")
        left = [p for p in crowd if p.poll() is None]
        assert len(left) == 1, "%s, round %d: nobody is left" % (service, round_number)
        winner = left[0]
        wait_for(lambda: s.status(service), 60, "the winner's answer")
        assert winner.poll() is None
        for p in crowd:
            if p is winner:
                continue
            text = p.stderr.read()
            assert p.returncode == 3, "%s: exit %d: %s" % (service, p.returncode, text)
            assert re.search(r"already running.* holder=%d\b" % winner.pid, text), "%d is not named in %s" % (winner.pid, text)
        assert s.status(service)["pid"] == winner.pid
        winner.send_signal(signal.SIGKILL if round_number % 2 else signal.SIGTERM)
        code = winner.wait(60)
        assert code == (-9 if round_number % 2 else 0), code
    finally:
        for p in crowd:
            if p.poll() is None:
                p.kill()
            p.wait()
            p.stderr.close()


def check_stale_number(s):
    """The number in a left-over lock belongs to a stranger by now: it must not keep the service away."""
    for content in ("%d\n" % os.getpid(), "1\n", "", "garbage" * 100, "99999999\n"):
        with open(s.path("bus", "executor.lock"), "w") as f:
            f.write(content)
        p = spawn(s, "executor")
        try:
            wait_for(lambda: s.status("executor") or p.poll() is not None, 60, "an answer")
            assert p.poll() is None, "kept away by %r: %s" % (content[:20], p.stderr.read())
        finally:
            p.kill()
            p.wait()
            p.stderr.close()


def check_removed_lock(s):
    """Who cleans up removes the lock of one that runs: it is made again. Who is faster has the name, and the other one ends."""
    lock = s.path("bus", "executor.lock")
    first, second = spawn(s, "executor"), None
    try:
        wait_for(lambda: s.status("executor"), 60, "an answer")
        os.unlink(lock)
        wait_for(lambda: os.path.exists(lock), 60, "the lock to be made again")
        second = spawn(s, "executor", ["--set", "run.data=" + s.path("other")])
        assert second.wait(60) == 3 and "holder=%d" % first.pid in second.stderr.read()
        second.stderr.close()
        first.send_signal(signal.SIGSTOP)
        os.unlink(lock)
        second = spawn(s, "executor", ["--set", "run.data=" + s.path("other")])
        wait_for(lambda: s.status("executor") and s.status("executor")["pid"] == second.pid, 60, "the second to have the name")
        first.send_signal(signal.SIGCONT)
        assert first.wait(60) == 3, "both go on under one name"
        text = first.stderr.read()
        assert "holder=%d" % second.pid in text and "has taken our name" in text, text
        assert s.status("executor")["pid"] == second.pid and second.poll() is None
    finally:
        for p in (first, second):
            if p and p.poll() is None:
                p.kill()
            if p:
                p.wait()
                p.stderr.close()


def main():
    with Stack("lock") as s:
        for service in SERVICES if LONG else ("executor", "persister"):
            for n in range(ROUNDS):
                check_round(s, service, n)
        check_stale_number(s)
        check_removed_lock(s)
    print("%d starts" % (AT_ONCE * ROUNDS * (len(SERVICES) if LONG else 2)))
    print("ok")


main()
