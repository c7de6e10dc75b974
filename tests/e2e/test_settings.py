"""Bad settings: every service ends with 78, says file, line, key and remedy, and has made nothing before."""
import os
import subprocess
import tempfile

from stack import BIN

ALL = ("collector", "strategy", "executor", "persister", "watchdog")
# service, section, key, value, what the message must offer
OWN = [
    ("collector", "collector", "book_levels", "9", "10 to 20000"), ("collector", "collector", "book_levels", "many", "number"),
    ("collector", "collector", "silense", "5s", "silence"), ("collector", "collector", "stamped", "perhaps", "true"),
    ("strategy", "strategy", "stale", "5", "unit"), ("strategy", "strategy", "book_level", "10", "book_levels"),
    ("strategy", "strategy", "book_levels", "20001", "10 to 20000"),
    ("executor", "executor", "balance", "USDT=1", "balances"), ("executor", "executor", "open_orders_max", "-1", "range"),
    ("executor", "executor", "stale", "soon", "5s"),
    ("persister", "persister", "queue", "lots", "10MiB"), ("persister", "persister", "interval", "1h", "10s"),
    ("persister", "persister", "databas", "x", "database"),
    ("watchdog", "watchdog", "supervise", "maybe", "true"), ("watchdog", "watchdog", "dead_after", "1ms", "100ms"),
    ("watchdog", "watchdog", "stop_grase", "1s", "stop_grace"),
]
SHARED = [("run", "drain", "3", "unit"), ("run", "drian", "3s", "drain"), ("run", "pace", "fast", "live|lockstep"),
          ("run", "heartbeat", "1h", "10s"), ("log", "level", "loud", "debug|info|warn|error"), ("bus", "folder", "x", "no such"),
          ("strategie", "seats", "x", "strategy")]
# Right by themselves, refused by the service that knows more: key and remedy.
DEEP = [("strategy", "strategy", "seats", "nothing", "built in"), ("collector", "collector", "candles", "5s,1s", "rising"),
        ("collector", "collector", "venue", "NOWHERE", "no venue"), ("collector", "collector", "streams", "depth,gossip", "kline"),
        ("executor", "executor", "balances", "USDT", "ASSET=amount"), ("watchdog", "watchdog", "units", "stranger", "command")]


def run(folder, service, text, *args):
    path = os.path.join(folder, "bad.conf")
    with open(path, "w") as f:
        f.write(text)
    return subprocess.run([os.path.join(BIN, "nightjar-" + service), "--config", path, *args], capture_output=True, text=True,
                          timeout=60, cwd=folder, stdin=subprocess.DEVNULL)


def check(folder, service, section, key, value, remedy):
    what = "%s: %s.%s = %s" % (service, section, key, value)
    r = run(folder, service, '# a comment\n%s\n    %s = "%s"\n' % (section, key, value))
    assert r.returncode == 78, "%s: exit %d, %s" % (what, r.returncode, r.stderr)
    assert "bad.conf:2: " in r.stderr or "bad.conf:3: " in r.stderr, "%s: no line in %r" % (what, r.stderr)
    named = section if section == "strategie" else "%s.%s" % (section, key)
    assert named in r.stderr and remedy in r.stderr, "%s: %r offers no %r" % (what, r.stderr, remedy)
    assert len(r.stderr.strip().splitlines()) == 1, "%s: more than a line: %r" % (what, r.stderr)
    assert os.listdir(folder) == ["bad.conf"], "%s: it made %s" % (what, os.listdir(folder))


def check_deep(folder, service, section, key, value, remedy):
    what = "%s: %s.%s = %s" % (service, section, key, value)
    extra = ["--set", "watchdog.supervise=true"] if service == "watchdog" else []
    r = run(folder, service, '%s\n    %s = "%s"\n' % (section, key, value), *extra)
    assert r.returncode == 78, "%s: exit %d, %s" % (what, r.returncode, r.stderr)
    assert "%s.%s" % (section, key) in r.stderr and remedy in r.stderr, "%s: %r offers no %r" % (what, r.stderr, remedy)
    if service == "watchdog":
        return
    # nj up asks before it starts anything: the same words, and nothing made.
    with tempfile.TemporaryDirectory() as clean:
        r = run(clean, service, '%s\n    %s = "%s"\n' % (section, key, value), "--check-config")
        assert r.returncode == 78 and remedy in r.stderr, "%s, only checked: exit %d, %s" % (what, r.returncode, r.stderr)
        assert len(r.stderr.strip().splitlines()) == 1 and os.listdir(clean) == ["bad.conf"], (r.stderr, os.listdir(clean))


def check_folders(folder):
    """A folder that cannot be made: which setting, which folder, and what is in its way."""
    path = os.path.join(folder, "file")
    with open(path, "w"):
        pass
    for key in ("bus.dir", "run.data"):
        r = run(folder, "executor", "", "--set", "bus.dir=" + os.path.join(folder, "bus"), "--set", "run.data=" + os.path.join(folder, "data"),
                "--set", key + "=" + path + "/below")
        assert r.returncode == 1 and key + ": the folder " + path + "/below" in r.stderr and "Not a directory" in r.stderr, r.stderr
    r = run(folder, "executor", "", "--set", "run.data=" + path, "--set", "bus.dir=" + os.path.join(folder, "bus"), "--set",
            "log.dir=" + path + "/below")
    assert "no log file" in r.stderr and "log.dir: the folder " + path + "/below" in r.stderr, r.stderr


def check_doubts(folder):
    """A seat that would never trade is no error (another host may have the rest), but it is said."""
    seat = 'collector\n    symbols = "ETHUSDT"\nstrategy\n    seats = "ema_cross"\n    ema_cross\n        instrument = "%s.BINANCE"\n'
    for symbol, words in (("BTCUSDT", "note: strategy.ema_cross: no collector follows BTCUSDT.BINANCE"), ("ETHUSDT", "")):
        r = run(folder, "strategy", seat % symbol, "--check-config")
        assert r.returncode == 0 and words in r.stderr and bool(words) == bool(r.stderr), (symbol, r)


def main():
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        for service in ALL:
            for row in SHARED + [o[1:] for o in OWN if o[0] == service]:
                check(folder, service, *row)
                count += 1
            r = run(folder, service, "", "--config", os.path.join(folder, "none.conf"))
            assert r.returncode == 78 and "none.conf" in r.stderr, (service, r.returncode, r.stderr)
            r = run(folder, service, "", "--frobnicate")
            assert r.returncode == 2 and "--frobnicate" in r.stderr, (service, r.returncode, r.stderr)
            r = run(folder, service, "run\n" + "    drain = \"1s\n" * 3)
            assert r.returncode == 78, (service, r.returncode, r.stderr)
        for row in DEEP:
            check_deep(folder, *row)
            count += 1
        check_folders(folder)
        check_doubts(folder)
    print("%d bad settings refused" % count)
    print("ok")


main()
