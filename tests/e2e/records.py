"""records - what the stack wrote, read again in another language: msgpack, journals, lane-M logs, the ledger.

Nothing here shares code with the programs under test. Only Python's own library is needed.
"""
import glob
import hashlib
import os
import sqlite3
import struct

MARKET = {0x0100, 0x0101, 0x0102, 0x0103, 0x0104, 0x0105, 0x0106, 0x0107, 0x0108}
EPOCH, SEQ, TS_EVENT, TS_SENT = 3, 4, 6, 8  # places in the envelope; the first and the last are no part of a result


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


def result(body, numbered=True):
    """Packed event without what is no part of a result: epoch and time of sending become 0, as packed; the sequence, too, where a
    shell's own records stand between results (an alert that the disk was slow)."""
    at, cuts = 3 if body[0] == 0xDC else 1, []
    for i in range(TS_SENT + 1):
        _, end = unpack(body, at)
        if i == EPOCH or (i == SEQ and not numbered):
            cuts.append((at, end, b"\0"))
        elif i == TS_SENT:  # of fixed size, so that it can be filled in late
            cuts.append((at, end, body[at:at + 1] + bytes(end - at - 1)))
        at = end
    for start, end, zero in reversed(cuts):
        body = body[:start] + zero + body[end:]
    return body


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


def market_log(folder):
    """Packed events of a lane-M log, in order, straight from its files."""
    for path in sorted(glob.glob(os.path.join(folder, "m-*.njm"))):
        with open(path, "rb") as f:
            data = f.read()
        at = 64
        while at + 16 <= len(data):
            commit = struct.unpack_from("<I", data, at)[0]
            if commit in (0, 0xFFFFFFFF):  # nothing more yet; sealed
                break
            frame = data[at + 16:at + 15 + commit]
            yield frame[frame.index(b"\0") + 1:]
            at += (15 + commit + 7) & ~7


class Digest:
    """SHA-256 over packed results, with their number."""

    def __init__(self):
        self.sha, self.n = hashlib.sha256(), 0

    def add(self, body, numbered=True):
        self.sha.update(result(body, numbered))
        self.n += 1

    def __str__(self):
        return "%d records, %s" % (self.n, self.sha.hexdigest()[:16])

    def __eq__(self, other):
        return self.n == other.n and self.sha.digest() == other.sha.digest()


def ledger_bodies(database):
    """Lane-X records as the persister stored them: (publisher, sequence, packed event)."""
    db = sqlite3.connect("file:%s?mode=ro" % database, uri=True, timeout=10)
    try:
        for publisher, seq, body in db.execute("SELECT publisher, seq, body FROM xlog ORDER BY publisher, epoch, seq"):
            yield publisher, seq, bytes(body)
    finally:
        db.close()


def ledger_rows(database):
    """The same, unpacked."""
    for publisher, seq, body in ledger_bodies(database):
        yield publisher, seq, unpack(body)[0]


def ledger_digest(database, publishers=("collector", "executor", "strategy")):
    """What must agree between runs: results of the market's and the ledger's publishers, shells' own records left out."""
    d = Digest()
    for publisher, _, body in ledger_bodies(database):
        if publisher in publishers and unpack(body)[0][TS_EVENT] != 0:
            d.add(body, numbered=False)
    return d


def first_difference(one, other, publishers=("collector", "executor", "strategy")):
    """Where two ledgers part: text for people; None where they agree."""
    def kept(database):
        return [(p, unpack(result(b, numbered=False))[0]) for p, _, b in ledger_bodies(database) if p in publishers and unpack(b)[0][TS_EVENT] != 0]
    a, b = kept(one), kept(other)
    for i in range(max(len(a), len(b))):
        x, y = (rows[i] if i < len(rows) else None for rows in (a, b))
        if x is None or y is None or x[0] != y[0] or x[1] != y[1]:
            return "record %d:\n  %s\n  %s" % (i, x, y)
    return None


def lane_digests(database, log):
    """(number, SHA-256) of what each publisher said on each lane, named as nj replay --digest names them."""
    lanes = {"collector.m": Digest(), "collector.x": Digest(), "executor.x": Digest(), "strategy.x": Digest()}
    for body in market_log(log):
        lanes["collector.m"].add(body)
    for publisher, _, body in ledger_bodies(database):
        if publisher + ".x" in lanes and unpack(body)[0][TS_EVENT] != 0:
            lanes[publisher + ".x"].add(body)
    return {name: (d.n, d.sha.hexdigest()) for name, d in lanes.items()}


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
