"""venue_sim speaks each venue's own protocol from that venue's captures, and misbehaves in the venue's own ways.

What a client makes of it is compared with witnesses that the simulator does not know, and with its account of what it
has withheld (GET /nightjar/truth).
"""
import os
import sys

from simulator import CAPTURES, Simulator, top_of
from wsclient import Closed


def capture(*names):
    paths = [os.path.join(CAPTURES, name) for name in names]
    for path in paths:
        if not os.path.exists(path):
            print("skipped: no recorded data at %s (set NIGHTJAR_CAPTURES)" % path)
            sys.exit(77)
    return ",".join(paths)


def until_closed(client, quiet=3):
    """Every frame until the connection ends or nothing more comes."""
    client.sock.settimeout(quiet)
    try:
        while True:
            yield client.recv()
    except (Closed, TimeoutError):
        return


def blind(sim, stream):
    return [b for b in sim.truth()["blind"] if b["stream"] == stream]


# ---- Binance USD-M ----

class ChainedBook:
    """The local book of the futures documents: pu chains what follows the snapshot."""

    def __init__(self, snapshot):
        self.id, self.fresh, self.gaps, self.applied, self.dropped = snapshot["lastUpdateId"], True, 0, 0, 0
        self.bids = {float(p): float(q) for p, q in snapshot["bids"]}
        self.asks = {float(p): float(q) for p, q in snapshot["asks"]}

    def apply(self, d):
        if d["pu"] != self.id and (d["u"] < self.id or (d["u"] == self.id and not self.fresh)):
            self.dropped += 1
            return
        if d["pu"] != self.id and not (self.fresh and d["U"] <= self.id):
            self.gaps += 1
        for side, levels in ((self.bids, d["b"]), (self.asks, d["a"])):
            for price, qty in levels:
                if float(qty):
                    side[float(price)] = float(qty)
                else:
                    side.pop(float(price), None)
        self.id, self.fresh = d["u"], False
        self.applied += 1

    def top(self):
        bid, ask = max(self.bids), min(self.asks)
        assert bid < ask, "crossed"
        return bid, self.bids[bid], ask, self.asks[ask]


def usdm_witnessed():
    """Every top that bookTicker tells is that of the book at the same update, over a whole recording."""
    files = capture("binance/usdm/btcusdt_20240808.gz")
    with Simulator("--venue", "BINANCE-PERP", "--capture", files, "--speed", "max", "--start-at", "2") as sim:
        ws = sim.ws("/public/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker")
        assert ws.headers["x-nightjar-simulator"] == "replay"
        book, waiting, tops, equal, seen = None, [], {}, 0, 0
        snapshot = sim.get("/fapi/v1/depth?symbol=BTCUSDT&limit=1000").json()
        assert snapshot["E"] > 0 and len(snapshot["bids"]) == 1000
        book = ChainedBook(snapshot)
        for frame in until_closed(ws):
            data = frame["data"]
            if frame["stream"] == "btcusdt@bookTicker":
                tops[data["u"]] = top_of(data)
                continue
            assert frame["stream"] == "btcusdt@depth@100ms", frame["stream"]
            waiting.append(data)
        ids = sorted(tops)
        import bisect
        for d in waiting:
            book.apply(d)
            at = bisect.bisect_right(ids, book.id) - 1
            if book.applied and at >= 0:
                seen += 1
                equal += book.top() == tops[ids[at]]
        assert book.gaps == 0 and book.applied + book.dropped == len(waiting) == 6551, (book.gaps, book.applied, len(waiting))
        print("usdm: %d diffs, %d dropped, %d of %d tops equal" % (len(waiting), book.dropped, equal, seen))
        return book, equal, seen


def main():
    book, equal, seen = usdm_witnessed()


main()
