"""What no venue should send, put between the frames of a good one: counted, the book taken anew where it may be wrong, no crash."""
import json

from hostile import Proxy, frame
from live import Live, until_stored

DEPTH, TRADE, TOP = "btcusdt@depth@100ms", "btcusdt@trade", "btcusdt@bookTicker"
HUGE = "9" * 400


def of(stream, data):
    return json.dumps({"stream": stream, "data": data}).encode()


def depth(**change):
    d = {"e": "depthUpdate", "E": 1700000000000, "s": "BTCUSDT", "U": 1, "u": 2, "b": [["1.00", "1.0"]], "a": []}
    d.update(change)
    return of(DEPTH, d)


def trade(**change):
    d = {"e": "trade", "E": 1700000000000, "s": "BTCUSDT", "t": 1, "p": "1.00", "q": "1.0", "T": 1700000000000, "m": True, "M": True}
    d.update(change)
    return of(TRADE, d)


def top(**change):
    d = {"u": 1, "s": "BTCUSDT", "b": "1.00", "B": "1.0", "a": "2.00", "A": "1.0"}
    d.update(change)
    return of(TOP, d)


# None of these is an event: each must be counted as malformed or unknown.
NONSENSE = [
    b"", b"{", b"[", b"nul", b"0", b'"', b"\x00", b"{}", b'{"stream":1}', b'{"stream":"","data":{}}', b'{"data":{}}',
    b"[" * 100000, b'{"a":' * 50000, ("[" + HUGE).encode(), b'{"stream":"btcusdt@depth@100ms","data":' + b"[" * 5000,
    b'{"stream":"btcusdt@nothing","data":{}}', b'{"stream":"' + b"x" * 60000 + b'","data":{}}', b"{}" * 1000, b"1e999999999",
    trade(p="NaN"), trade(p="-1"), trade(p=HUGE), trade(p=""), trade(p=None), trade(p=["1"]),
    trade(q="0x10"), trade(q="1" * 30), trade(t="x"), trade(t=-1), trade(t=2 ** 70), trade(t=1.5), trade(T=HUGE), trade(m="yes"),
    top(b="inf"), top(B="1.0.0"), top(u="x"),
]
# These can only mean that the book is wrong from here on.
BAD_BOOKS = [
    depth(b="x"), depth(b=[["1.00"]]), depth(b=[1]), depth(b=[["1.00", "x"]]), depth(a=[[HUGE, "1"]]), depth(U="x"), depth(u=-5),
    depth(u=2 ** 65), depth(b={}), depth(a=[["-1.00", "1.0"]]), depth(b=[[[[[["1"]]]]]]),
]


def counters(s):
    st = s.status("collector") or {}
    return {k[len("collector_"):-len("_total")]: v for k, v in st.items() if k.startswith("collector_")}


def inject(s, proxy, payload):
    """One frame; waits until it has gone out and something good came after it."""
    proxy.inject(frame(payload))
    s.until("the frame to be sent", lambda: proxy.pending() == 0)
    frames = counters(s)["frames"]
    s.until("frames after it", lambda: counters(s).get("frames", 0) > frames + 2)


def check_nonsense(s, proxy):
    for payload in NONSENSE:
        before = counters(s)
        inject(s, proxy, payload)
        after = counters(s)
        noticed = sum(after[k] - before[k] for k in ("malformed", "unknown", "disconnects"))
        assert noticed >= 1, "not counted: %r: %s" % (payload[:200], {k: after[k] - before[k] for k in after})


def check_books(s, proxy):
    for payload in BAD_BOOKS:
        before = counters(s)
        inject(s, proxy, payload)
        s.until("a new book after %r" % payload[:200], lambda: counters(s)["snapshots"] > before["snapshots"])
        after = counters(s)
        assert after["resyncs"] + after["disconnects"] > before["resyncs"] + before["disconnects"], payload[:200]


def check_frames(s, proxy):
    """Beyond JSON: an unfinished text, bytes that are no UTF-8, masked and reserved frames, an endless length."""
    for raw in (frame(b"\xff\xfe{}"), b"\xc1\x00", b"\x81\x80\x00\x00\x00\x00", frame(b"x" * 200, 9), frame(b"\x03", 8),
                b"\x81\x7f" + b"\x7f" + b"\xff" * 7, frame(b'{"a":1}', 2), b"\x80\x01x"):
        before = counters(s)
        proxy.inject(raw)
        s.until("an answer to %r" % raw[:20], lambda: sum(counters(s).get(k, 0) - before[k] for k in
                                                          ("disconnects", "malformed", "unknown")) >= 1)
        applied = counters(s)["depth_applied"]
        s.until("a book after %r" % raw[:20], lambda: counters(s).get("depth_applied", 0) > applied + 2)


def main():
    with Live("hostile", sim_args=("--symbols", "BTCUSDT", "--rate", "300", "--seed", "7")) as s:
        s.start_venue()
        proxy = Proxy(s.port)
        s.extra += ["collector.stream_url=ws://127.0.0.1:%d" % proxy.port]
        s.write_settings()
        for name in ("persister", "executor", "strategy", "collector"):
            s.start_service(name)
        s.until_trusted()
        pid = s.status("collector")["pid"]
        check_nonsense(s, proxy)
        check_books(s, proxy)
        check_frames(s, proxy)
        assert s.status("collector")["pid"] == pid
        for name in ("executor", "strategy"):
            bad = [k for k, v in s.status(name).items() if ("bad_books" in k or "unknown_instrument" in k) and v]
            assert not bad, "%s was given %s" % (name, bad)
        until_stored(s)
        low = s.rows("SELECT 1 FROM candles WHERE low < 100 * (CASE price_scale WHEN 2 THEN 100 ELSE 100000000 END)")
        assert not low, "a price of the hostile frames is in a candle"
        codes = s.stop()
        proxy.close()
        assert all(c == 0 for c in codes.values()), codes
    print("%d texts, %d books and eight frames that nobody should send" % (len(NONSENSE), len(BAD_BOOKS)))
    print("ok")


main()
