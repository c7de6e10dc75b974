"""records - what the stack wrote, read again in another language: msgpack, journals, lane-M logs, the ledger.

Nothing here shares code with the programs under test. Only Python's own library is needed.
"""
import glob
import hashlib
import os
import sqlite3
import struct

MARKET = {0x0100, 0x0101, 0x0102, 0x0103, 0x0104, 0x0105, 0x0106, 0x0107, 0x0108}
EPOCH, TS_SENT = 3, 8  # places in the envelope that are no part of a result


def unpack(data, at=0):
    """One msgpack value of the kinds our wire has; returns (value, next offset)."""
    b = data[at]
    if b < 0x80:
        return b, at + 1
    if b >= 0xE0:
        return b - 0x100, at + 1
    if 0x90 <= b <= 0x9F:
        return array(data, at + 1, b & 15)
    if 0xA0 <= b <= 0xBF:
        return text(data, at + 1, b & 31)
    if b in (0xC2, 0xC3):
        return b == 0xC3, at + 1
    for code, form in ((0xCC, ">B"), (0xCD, ">H"), (0xCE, ">I"), (0xCF, ">Q"), (0xD0, ">b"), (0xD1, ">h"), (0xD2, ">i"), (0xD3, ">q")):
        if b == code:
            return struct.unpack_from(form, data, at + 1)[0], at + 1 + struct.calcsize(form)
    for code, form, read in ((0xC4, ">B", raw), (0xC5, ">H", raw), (0xC6, ">I", raw), (0xD9, ">B", text), (0xDA, ">H", text),
                             (0xDB, ">I", text), (0xDC, ">H", array), (0xDD, ">I", array)):
        if b == code:
            n = struct.unpack_from(form, data, at + 1)[0]
            return read(data, at + 1 + struct.calcsize(form), n)
    raise ValueError("msgpack byte 0x%02x" % b)


def raw(data, at, n):
    return data[at:at + n], at + n


def text(data, at, n):
    return data[at:at + n].decode(), at + n


def array(data, at, n):
    out = []
    for _ in range(n):
        value, at = unpack(data, at)
        out.append(value)
    return out, at


def events(frame):
    """Events of a frame (topic, NUL, packed events)."""
    at = frame.index(b"\0") + 1
    while at < len(frame):
        ev, at = unpack(frame, at)
        yield ev


def result(ev):
    """An event without what is no part of a result."""
    ev = list(ev)
    ev[EPOCH] = ev[TS_SENT] = 0
    return ev


def journal(folder):
    """(sequence, frame) of every record of a lane-X journal, straight from its segments."""
    out = {}
    for path in sorted(glob.glob(os.path.join(folder, "x-*.njj"))):
        with open(path, "rb") as f:
            data = f.read()
        at = 64
        while at + 24 <= len(data):
            _, length, seq = struct.unpack_from("<IIQ", data, at)
            if seq == 0:
                break
            out[seq] = data[at + 24:at + 24 + length]  # a later segment wins
            at += (24 + length + 7) & ~7
    return [(seq, out[seq]) for seq in sorted(out)]


class Digest:
    """SHA-256 over results, with a count and the first few of them for a message."""

    def __init__(self):
        self.sha, self.n = hashlib.sha256(), 0

    def add(self, ev):
        self.sha.update(repr(result(ev)).encode() + b"\n")
        self.n += 1

    def __str__(self):
        return "%d records, %s" % (self.n, self.sha.hexdigest()[:16])

    def __eq__(self, other):
        return self.n == other.n and self.sha.digest() == other.sha.digest()


def ledger_rows(database):
    """Raw lane-X records as the persister stored them: (publisher, sequence, event)."""
    db = sqlite3.connect("file:%s?mode=ro" % database, uri=True, timeout=10)
    try:
        for publisher, seq, body in db.execute("SELECT publisher, seq, body FROM xlog ORDER BY publisher, epoch, seq"):
            yield publisher, seq, unpack(bytes(body))[0]
    finally:
        db.close()


def ledger_digest(database, publishers=("collector", "executor", "strategy")):
    """What must agree between runs: results of the market's and the ledger's publishers, shells' own records left out."""
    d = Digest()
    for publisher, _, ev in ledger_rows(database):
        if publisher in publishers and ev[6] != 0:
            d.add(ev)
    return d


def holes(database):
    """Publishers whose stored sequence has a hole or does not begin at 1: {publisher: missing}."""
    db = sqlite3.connect("file:%s?mode=ro" % database, uri=True, timeout=10)
    try:
        rows = db.execute("SELECT publisher, epoch, min(seq), max(seq), count(*) FROM xlog GROUP BY 1, 2").fetchall()
    finally:
        db.close()
    return {(p, e): hi - n for p, e, lo, hi, n in rows if lo != 1 or hi != n}


def candles(database):
    db = sqlite3.connect("file:%s?mode=ro" % database, uri=True, timeout=10)
    try:
        return db.execute("SELECT instrument, interval, open_at, from_venue, open, high, low, close, volume, quote_volume, trades, "
                          "complete, ts_recv FROM candles ORDER BY 1, 2, 3, 4").fetchall()
    finally:
        db.close()
