"""Settings change between two lives: symbols and seats come and go, parameters change; nothing that is held gets lost, and what
cannot go on is refused. A collector's snapshot of an older version is none."""
import glob
import signal
import struct

from live import Live
from records import holes
from stack import SERVICES

MARKET = ("--symbols", "BTCUSDT,ETHUSDT", "--rate", "200", "--seed", "7")
TWO = """    two
        strategy = "ema_cross"
        instrument = "ETHUSDT.BINANCE"
        interval = "1s"
        fast = "1"
        slow = "2"
        entry = "alternate"
        qty = "0.1"
"""


def edit(s, was, now):
    with open(s.path("nightjar.conf")) as f:
        text = f.read()
    assert was in text, text
    with open(s.path("nightjar.conf"), "w") as f:
        f.write(text.replace(was, now, 1))


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def age_snapshots(s):
    """The collector's state bears the version before; it is the last thing in the file, behind its length."""
    names = glob.glob(s.path("data", "collector", "journal", "snapshot-*.njs"))
    assert names
    for name in names:
        with open(name, "rb") as f:
            data = bytearray(f.read())
        at = min(i for i in range(48, len(data) - 5) for n in (3 if data[i] == 0xC5 else 5,) if data[i] in (0xC5, 0xC6) and
                 int.from_bytes(data[i + 1:i + n], "big") == len(data) - i - n)  # what is in it ends there, too
        at += 3 if data[at] == 0xC5 else 5
        assert 1 < data[at] < 0x80, data[at]  # one byte of msgpack
        data[at] -= 1
        data[40:44] = struct.pack("<I", crc32c(data[48:]))
        data[44:48] = struct.pack("<I", crc32c(data[:44]))
        with open(name, "wb") as f:
            f.write(data)


def restart(s, name, between=None):
    """Its log since; it must run again."""
    before = len(s.log(name))
    assert s.kill(name, signal.SIGTERM) == 0
    if between:
        between(s)
    s.start_service(name)
    s.until(name + " to run", lambda: "life=running" in s.log(name)[before:])
    return s.log(name)[before:]


def intents(s, seat):
    rows = s.rows("SELECT count(*) AS n, max(ordinal) AS last, count(DISTINCT ordinal) AS ordinals FROM intents WHERE strategy = ?", seat)
    return rows[0] if rows else {"n": 0, "last": 0, "ordinals": 0}


def asked(s, seat):
    before = intents(s, seat)["last"] or 0
    s.until("another intent of " + seat, lambda: (intents(s, seat)["last"] or 0) > before)


def main():
    with Live("change", sim_args=MARKET, strategy={"fast": "1", "slow": "2"}) as s:
        s.start()
        s.until_trusted()
        asked(s, "ema_cross")

        edit(s, 'symbols = "BTCUSDT"', 'symbols = "BTCUSDT,ETHUSDT"')
        assert "the snapshot is of other markets" in restart(s, "collector")
        edit(s, 'slow = "2"', 'slow = "3"')
        edit(s, 'seats = "ema_cross"\n', 'seats = "ema_cross,two"\n' + TWO)
        said = restart(s, "strategy")
        assert "seats=1" in said and "an instrument is new" in said, said
        asked(s, "two")
        asked(s, "ema_cross")

        edit(s, '        slow = "3"', '        account = "other"\n        slow = "3"')
        assert s.kill("strategy", signal.SIGTERM) == 0
        s.start_service("strategy")
        code = s.processes["strategy"].wait(timeout=60)
        assert code == 78 and "is of other settings than those of now" in s.log("strategy")[-1500:], (code, s.log("strategy")[-1500:])
        del s.processes["strategy"]
        edit(s, '        account = "other"\n', "")
        s.start_service("strategy")
        s.until("the strategy to serve", lambda: s.metric("strategy", "life") == 4)
        assert "or of another version: starting from the journal" in restart(s, "collector", age_snapshots)
        codes = {name: s.kill(name, signal.SIGTERM) for name in reversed(SERVICES)}
        assert all(c == 0 for c in codes.values()), codes
        assert not holes(s.database), holes(s.database)
        for seat in ("ema_cross", "two"):
            row = intents(s, seat)
            assert row["n"] == row["ordinals"] == row["last"], (seat, tuple(row))
        assert not s.rows("SELECT 1 FROM orders WHERE reject = 'duplicate'"), "ordinals began anew"
        print("%d and %d intents" % (intents(s, "ema_cross")["n"], intents(s, "two")["n"]))
    print("ok")


main()
