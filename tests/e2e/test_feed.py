"""A venue that leaves out, repeats, corrupts, cuts off, falls silent: what is on record as missing is what was missing.

The simulator's own account (GET /nightjar/truth) is compared with the gaps that the stack wrote down.
"""
import json
import signal
import time

from live import Live, until_stored

SECOND = 10**9
DEPTH, TRADE = "btcusdt@depth@100ms", "btcusdt@trade"


def counters(s):
    st = s.status("collector") or {}
    return {k[len("collector_"):-len("_total")]: v for k, v in st.items() if k.startswith("collector_")}


def strike(s, until, limit=60, **fault):
    """One fault; waits until the counter it must move has moved, and for a book after it."""
    before = counters(s)
    s.fault(**fault)
    s.until("%s to move after %s" % (until, fault), lambda: counters(s).get(until, 0) > before[until], limit)
    applied = counters(s)["depth_applied"]
    s.until("a book after %s" % fault, lambda: counters(s).get("depth_applied", 0) > applied + 2, limit)


def merged(blinds, stream):
    """Numbers that stream's clients never saw, as ranges without a break."""
    ranges = []
    for b in sorted((b for b in blinds if b["stream"] == stream), key=lambda b: b["first_id"]):
        if ranges and b["first_id"] <= ranges[-1][1] + 1:
            ranges[-1][1] = max(ranges[-1][1], b["last_id"])
        else:
            ranges.append([b["first_id"], b["last_id"]])
    return [tuple(r) for r in ranges]


OPEN_HOLES = ("SELECT 1 FROM blinds b WHERE stream = 'trade' AND NOT EXISTS (SELECT 1 FROM gaps g WHERE g.stream = b.stream "
              "AND g.instrument = b.instrument AND g.\"from\" = b.\"from\" AND g.first_missing = b.first_missing)")
TWICE = "SELECT instrument, stream, connection, \"from\", first_missing, count(*) n FROM %s GROUP BY 1, 2, 3, 4, 5 HAVING n > 1"


def check_ledger(s, gaps):
    """Each interval is opened once and closed once; what the venue still has of missed trades was fetched, as no live trade."""
    for table in ("blinds", "gaps WHERE source = 'collector'"):
        assert not s.rows(TWICE % table), "more than once: %s" % [dict(r) for r in s.rows(TWICE % table)]
    filled = [g for g in gaps if g["stream"] == "trade" and g["repair"] == "backfill"]
    assert filled and all(g["missing"] == 0 for g in filled), [g for g in gaps if g["stream"] == "trade"]
    assert counters(s)["trades_filled"] == sum(g["last_missing"] - g["first_missing"] + 1 for g in filled), filled


def check_gaps(s, in_flight=False):
    """in_flight: connections were cut from our side or by a reset; what was on its way then is missing, too."""
    truth = s.truth()
    assert truth["blind_left"] == 0, truth
    until_stored(s)
    # A hole is closed when its trades have been fetched: until then it is open (blinds).
    s.until("the missed trades", lambda: until_stored(s) and not s.rows(OPEN_HOLES))
    gaps = [dict(g) for g in s.rows("SELECT * FROM gaps WHERE source = 'collector' AND repair != 'none_missed' ORDER BY seq")]
    trades = [(g["first_missing"], g["last_missing"]) for g in gaps if g["stream"] == "trade"]
    missing = merged(truth["blind"], TRADE)
    if not in_flight:
        assert trades == missing, "%s on record, %s missing" % (trades, missing)
    for first, last in missing:
        assert any(a <= first and last <= b for a, b in trades), "not on record: %d to %d of %s" % (first, last, trades)
    outages = [g for g in gaps if g["stream"] == "all"]
    for g in (g for g in gaps if g["stream"] == "trade" and (g["first_missing"], g["last_missing"]) not in missing):
        assert any(o["from"] <= g["to"] and g["from"] <= o["to"] for o in outages), "nothing was missing: %s" % g
    books = [b for b in truth["blind"] if b["stream"] == DEPTH]
    for b in books:
        # By the clock, when the simulator withheld it; the frame before may have been read a little later than that.
        assert any(g["stream"] in ("depth", "all") and g["from"] <= b["from_wall"] + SECOND and b["to_wall"] <= g["to"]
                   for g in gaps), (b, gaps)
    # A book is blind from its connection's end to its next snapshot, whether or not an update came meanwhile.
    for g in (g for g in gaps if g["stream"] == "depth"):
        assert any(g["from"] <= b["to"] and b["from"] <= g["to"] for b in books + outages), "nothing was missing: %s" % g
    check_ledger(s, gaps)
    return len(trades), len(books)


def check_coverage(s):
    """nj coverage says the same of each stream: what was fetched is not missing, what a snapshot ended is."""
    rows = {}
    for r in json.loads(s.nj("coverage", "BTCUSDT.BINANCE", "--json").stdout):
        rows.setdefault(r["stream"], []).append(r)
    assert {"depth", "trade", "top", "kline"} <= set(rows), rows
    total = {stream: {k: sum(r[k] for r in of) for k in ("blind", "missing", "gaps", "records")} for stream, of in rows.items()}
    assert total["trade"]["blind"] > total["trade"]["missing"] and total["trade"]["records"] == 0, total
    assert total["depth"]["missing"] == total["depth"]["blind"] > total["top"]["blind"] > 0, total
    assert all(float(r["percent"]) < 100 for r in rows["depth"] + rows["top"]), rows
    table = s.nj("coverage", "--stream", "depth", "-o", "tsv").stdout.splitlines()
    assert table[0].startswith("day\tinstrument\tstream\tpercent") and len(table) == 1 + len(rows["depth"]), table


def misbehaving(s):
    strike(s, "depth_gaps", fault="skip", stream=DEPTH, count=1)
    strike(s, "depth_gaps", fault="skip", stream=DEPTH, count=4)
    strike(s, "trade_gaps", fault="skip", stream=TRADE, count=3)
    before = counters(s)
    strike(s, "depth_applied", fault="duplicate", count=20)
    after = counters(s)
    assert (after["depth_gaps"], after["trade_gaps"]) == (before["depth_gaps"], before["trade_gaps"]), "a repetition is no gap"
    for variant in ("truncate", "utf8"):
        strike(s, "malformed", fault="corrupt", stream=DEPTH, variant=variant)
        strike(s, "malformed", fault="corrupt", stream=TRADE, variant=variant)
    strike(s, "resyncs", fault="corrupt", stream=DEPTH, variant="type")
    strike(s, "trade_gaps", fault="corrupt", stream=TRADE, variant="type")
    for kind in ("drop", "close"):
        strike(s, "disconnects", fault=kind)


def all_clear(s):
    """No alert is open: it is over when the feed has been back for collector.alert_hold."""
    s.until("the end of the alert", lambda: until_stored(s) and alerts(s)[-1:] != ["raised"])
    told = alerts(s)
    assert told == ["raised", "resolved"] * (len(told) // 2), told


def alerts(s):
    return [r["state"] for r in s.rows("SELECT state FROM alerts WHERE rule = 'feed_lost' ORDER BY ts_recv, seq")]


def cutting(s):
    for kind in ("reset", "bad_frame", "shutdown"):
        strike(s, "frames" if kind == "shutdown" else "disconnects", fault=kind)
    s.until("another connection in place of the one to end", lambda: "msg=rotated" in s.log("collector"))
    strike(s, "disconnects", fault="huge", mib=2)


def silence(s):
    """Pings are answered and no data comes: only the data counts."""
    all_clear(s)
    strike(s, "silences", fault="silent", ms=4000)
    until_stored(s)
    states = [r["state"] for r in s.rows("SELECT state FROM feed_states ORDER BY seq")]
    at = states.index("silent")
    assert states[at - 1] == "live" and "live" in states[at:], states
    assert s.rows("SELECT 1 FROM gaps WHERE cause = 'silence'"), "no gap for the silence"
    back = s.rows("SELECT outage FROM feed_states WHERE state = 'live' ORDER BY seq")[1:]
    assert back and all(r["outage"] > 0 for r in back), "back without the length of the outage"
    assert s.rows("SELECT 1 FROM alerts WHERE rule = 'feed_lost' AND message LIKE '%silent%'"), "no alert for the silence"


def killed(s):
    """The collector dies without a word: the next one says from when to when, each stream once, and fetches what trades it can."""
    until_stored(s)
    newest = s.rows("SELECT max(ts_recv) AS at FROM xlog WHERE publisher = 'collector'")[0]["at"]
    s.kill("collector")
    died = time.time_ns()
    s.start_service("collector")
    s.until("a book of the next life", lambda: counters(s).get("depth_applied", 0) > 3)
    s.until("what was open to be closed", lambda: until_stored(s) and s.rows(
        "SELECT 1 FROM gaps WHERE cause = 'restart' AND stream = 'trade' AND source = 'collector'"))
    outage, = s.rows("SELECT * FROM blinds WHERE cause = 'restart' AND stream = 'all'")
    assert newest <= outage["from"] <= died, (newest, outage["from"], died)
    gaps = {g["stream"]: dict(g) for g in s.rows("SELECT * FROM gaps WHERE cause = 'restart' AND source = 'collector'")}
    assert set(gaps) == {"all", "depth", "trade", "kline"}, gaps
    assert all(g["from"] == outage["from"] and g["to"] >= died for g in gaps.values()), (gaps, died)
    repairs = {stream: g["repair"] for stream, g in gaps.items()}
    assert repairs["all"] == "nothing" and repairs["depth"] == "snapshot" and repairs["kline"] == "klines", repairs
    assert repairs["trade"] in ("backfill", "none_missed"), gaps["trade"]
    away = gaps["trade"]["last_missing"] - gaps["trade"]["first_missing"]  # the simulator keeps the newest thousand
    assert gaps["trade"]["missing"] == 0 or away > 500, gaps["trade"]
    for table in ("blinds", "gaps WHERE source = 'collector'"):
        assert not s.rows(TWICE % table), "more than once: %s" % [dict(r) for r in s.rows(TWICE % table)]


def cut_off(s):
    """The venue is gone: no data is made up, nobody trades; one alert, and a state."""
    all_clear(s)
    began, before = counters(s), len(s.log("collector"))
    s.kill("venue_sim", signal.SIGKILL)
    s.until("the loss", lambda: counters(s)["disconnects"] > began["disconnects"])
    s.until("an alert", lambda: "no data, so no trades" in s.log("collector"))
    cut, trades = s.status("collector")["m_events"], counters(s)["trades"]
    executed = s.status("executor")["executor_orders_total"]
    s.until("tries", lambda: s.log("collector").count("next try") >= 8)
    assert counters(s)["trades"] == trades and s.status("collector")["m_events"] - cut <= 2, "data without a venue"
    assert s.status("executor")["executor_orders_total"] == executed, "an order without data"
    until_stored(s)
    told = [line for line in s.log("collector")[before:].splitlines() if "rule=feed_lost" in line]
    assert len(told) == 1 and "level=error" in told[0], told
    assert {r["severity"] for r in s.rows("SELECT severity FROM alerts WHERE rule = 'feed_lost'")} == {"critical"}
    rows = alerts(s)
    assert rows == ["raised", "resolved"] * (len(rows) // 2) + ["raised"], rows
    assert s.rows("SELECT state FROM feed_states ORDER BY seq DESC LIMIT 1")[0]["state"] == "lost"
    assert not s.rows("SELECT 1 FROM xlog WHERE event = 'order' AND ts_recv > (SELECT max(ts_recv) FROM feed_states)")


def limited():
    """Nobody is there: so many tries as the venue allows, then none until its window is over, whatever the backoff."""
    with Live("limited", settings=("collector.connect_limit=3", "collector.describe_wait=0")) as s:
        s.start_venue()
        s.write_settings()
        s.kill("venue_sim")
        s.start_service("collector")
        s.until("it to hold back", lambda: s.metric("collector", "collector_connects_held_total") > 0)
        log = s.log("collector")
        assert log.count("next try") == 3 and log.count("connecting later") == 1, log[-2000:]
        assert s.kill("collector", signal.SIGTERM) == 0


def main():
    limited()
    with Live("feed", settings=("collector.silence=2s", "collector.alert_hold=500ms")) as s:
        s.start()
        s.until_trusted()
        misbehaving(s)
        print("%d gaps of trades and %d of books, each as the venue has it" % check_gaps(s))
        cutting(s)
        silence(s)
        print("%d gaps of trades and %d of books with connections cut" % check_gaps(s, in_flight=True))
        check_coverage(s)
        wrong = s.rows("SELECT publisher, event, seq FROM xlog x WHERE EXISTS (SELECT 1 FROM gaps g WHERE g.source = x.publisher "
                       "AND g.seq = x.seq AND g.origin NOT IN ('simulated', 'none'))")
        assert not wrong, [dict(r) for r in wrong]
        assert not s.rows("SELECT 1 FROM feed_states WHERE origin = 'live'"), "simulated data is called live"
        killed(s)
        cut_off(s)
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
    print("ok")


main()
