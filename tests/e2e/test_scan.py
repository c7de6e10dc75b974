"""A market appears and is followed with a book that its hashes prove; it is resolved, by the listings or by the stream, its
outcome is on record once, and it is dropped; killed in the middle the collector goes on with what it followed."""
import hashlib
import json
import time

from feeds import FIELDS, GAP, Feed
from records import journal, unpack
from wsclient import rest

FOLLOWING, RESOLUTION, BLIND = 0x000A, 0x010B, 0x0009
SECONDS = 120  # of the recording: more than the test takes
NAMES = "ABCD"
TOLD = "D"  # its outcome comes on the stream, again and again


def market(name):
    return "0x%040x" % ord(name)


def tokens(name):
    return ["%d%075d" % (k, ord(name)) for k in (1, 2)]


def levels(*rows):
    return [{"price": p, "size": s} for p, s in rows]


def book(name, k, at, size):
    """The book of outcome k, its hash as the venue makes it; the second outcome's is the mirror of the first."""
    bids = levels(("0.3", "5"), ("0.4", size)) if k == 0 else levels(("0.3", "7"), ("0.4", "9"))
    asks = levels(("0.7", "7"), ("0.6", "9")) if k == 0 else levels(("0.7", "5"), ("0.6", size))
    b = {"market": market(name), "asset_id": tokens(name)[k], "timestamp": str(at), "hash": "", "bids": bids, "asks": asks,
         "min_order_size": "5", "tick_size": "0.01", "neg_risk": False, "last_trade_price": "0.500"}
    b["hash"] = hashlib.sha1(json.dumps(b, separators=(",", ":")).encode()).hexdigest()
    return b


def change(name, at, size):
    rows = [{"asset_id": tokens(name)[k], "price": ("0.4", "0.6")[k], "size": size, "side": ("BUY", "SELL")[k],
             "hash": book(name, k, at, size)["hash"], "best_bid": "0.4", "best_ask": "0.6"} for k in (0, 1)]
    return {"market": market(name), "price_changes": rows, "timestamp": str(at), "event_type": "price_change"}


def outcome(name, at):
    return {"market": market(name), "assets_ids": tokens(name), "winning_asset_id": tokens(name)[1], "winning_outcome": "No",
            "timestamp": str(at), "event_type": "market_resolved"}


def record(path):
    """A line for each frame: every book, then a change of each market five times a second."""
    at = time.time_ns() // 10**6
    with open(path, "w") as f:
        f.write(json.dumps([dict(book(n, k, at, "10"), event_type="book") for n in NAMES for k in (0, 1)]) + "\n")
        for i in range(SECONDS * 5):
            for n in NAMES:
                f.write(json.dumps(change(n, at + 200 * (i + 1), str(11 + i % 50))) + "\n")
            if i % 5 == 0:
                f.write(json.dumps(outcome(TOLD, at + 200 * (i + 1))) + "\n")


def listed(name, volume, resolved=False):
    return {"conditionId": market(name), "question": "Is it %s?" % name, "clobTokenIds": json.dumps(tokens(name)),
            "outcomes": '["Yes", "No"]', "outcomePrices": '["1", "0"]' if resolved else '["0.5", "0.5"]',
            "orderPriceMinTickSize": 0.01, "orderMinSize": 5, "negRisk": False, "volume": str(volume),
            "endDate": "2199-01-01T00:00:00Z", "active": True, "closed": resolved, "acceptingOrders": not resolved,
            "umaResolutionStatus": "resolved" if resolved else "", "closedTime": "2026-01-01 00:00:00+00"}


class Scan(Feed):
    def __init__(self):
        super().__init__("POLYMARKET", [], streams="depth,trade,top", speed="1")
        self.files = self.path("recorded.jsonl")
        record(self.files)
        self.extra += ["collector.scan=true", "collector.scan_markets=2", "collector.scan_every=1s", "run.pace=live"]

    def list(self, *rows):
        reply = rest(self.port, "/nightjar/catalog", "POST", list(rows))
        assert reply.status == 200 and reply.json()["listed"] == len(rows), reply.body

    def value(self, name):
        return (self.status("collector") or {}).get("collector_" + name, 0)

    def until_followed(self, names):
        """These markets, both outcomes of each: trusted, and proved by what has come since."""
        def check():
            return self.value("scan_followed") == len(names) and \
                self.value("follows_total") - self.value("drops_total") == 2 * len(names)
        self.until("%s to be followed" % names, check)
        met = self.value("seals_met_total")
        self.until("proofs of their books", lambda: self.value("seals_met_total") >= met + 4 * len(names))

    def restart(self, names):
        """Once these are on record as followed: what is not is found again, as if it were new."""
        def check():
            streams = {}
            try:
                for ev in self.records():
                    if ev[0] == FOLLOWING:
                        streams[ev[FIELDS]] = ev[FIELDS + 2]
            except (ValueError, IndexError):
                return False  # the last one is being written
            return {i.split(".")[0] for i, text in streams.items() if text} == {t for n in names for t in tokens(n)}
        self.until("%s to be on record" % names, check)
        self.kill("collector")
        self.start_service("collector")

    def outcomes(self):
        try:
            return [(ev[FIELDS], ev[FIELDS + 2] / 10 ** ev[FIELDS + 1], ev[FIELDS + 3]) for ev in self.records()
                    if ev[0] == RESOLUTION]
        except (ValueError, IndexError):
            return []  # the last one is being written

    def records(self):
        for _, frame in journal(self.path("data", "collector", "journal")):
            yield unpack(frame, frame.index(b"\0") + 1)[0]


def key(ev):
    """By which a blind interval is told from others: gaps have the same fields in other places."""
    return (ev[FIELDS], ev[FIELDS + 1], ev[FIELDS + 3 if ev[0] == BLIND else FIELDS + 8], ev[FIELDS + 4])


def name_of(instrument):
    return next(n for n in NAMES if instrument.split(".")[0] in tokens(n))


def main():
    with Scan() as s:
        s.start()
        s.list(listed("A", 100))
        s.until_followed("A")
        s.list(listed("A", 100), listed("B", 50), listed("C", 10))
        s.until_followed("AB")
        s.until("C to be left out", lambda: s.value("scan_left_out") == 1)
        s.until("no trouble", lambda: s.value("seals_broken_total") == 0 and s.value("disconnects_total") == 0)
        s.restart("AB")
        s.until("A and B again", lambda: s.value("scan_followed") == 2 and s.value("scan_rounds_total") >= 1)
        s.list(listed("A", 100, resolved=True), listed("B", 50), listed("C", 10))
        s.until("the outcome, and C in its place", lambda: s.value("scan_dropped_total") == 1 and s.value("scan_left_out") == 0)
        s.restart("BC")
        s.until("B and C again", lambda: s.value("scan_followed") == 2 and s.value("scan_rounds_total") >= 2)
        met = s.value("seals_met_total")
        s.until("proofs of their books", lambda: s.value("seals_met_total") >= met + 8)
        assert s.value("follows_total") - s.value("drops_total") == 0, "a restart follows nobody anew"
        s.list(listed("B", 50), listed("C", 10, resolved=True), listed(TOLD, 5))
        s.until("D's outcome", lambda: len(s.outcomes()) == 6 and s.value("scan_followed") == 1)
        rounds = s.value("scan_rounds_total")
        s.until("more rounds", lambda: s.value("scan_rounds_total") >= rounds + 2)
        assert s.value("scan_followed") == 1, "one that is over is followed again, as it is still listed"
        s.restart("B")
        s.until("B again", lambda: s.value("scan_followed") == 1 and s.value("scan_rounds_total") >= 2)
        outcomes = s.outcomes()
        books, states, _ = s.results()
        streams, open_ = {}, {}
        for ev in s.records():
            if ev[0] == FOLLOWING:
                streams[ev[FIELDS]] = ev[FIELDS + 2]
            elif ev[0] == BLIND:
                open_[key(ev)] = ev
            elif ev[0] == GAP:
                open_.pop(key(ev), None)
        want = [(tokens(n)[k] + ".POLYMARKET", int(k == won), ("Yes", "No")[won]) for n, won in (("A", 0), ("C", 0), (TOLD, 1))
                for k in (0, 1)]
        assert sorted(outcomes) == sorted(want), outcomes
        assert {name_of(i) for i, text in streams.items() if not text} == {"A", "C", TOLD}, streams
        assert {name_of(i) for i, text in streams.items() if text} == {"B"} and len(streams) == 8, streams
        assert not open_, "blind to the end: %s" % open_
        assert all(states[i][-1] == 2 for i in states if name_of(i) == "B"), states
        print("ok: 4 markets, %d outcomes on record, %d books" % (len(outcomes), len(books)))


main()
