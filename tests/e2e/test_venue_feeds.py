"""The collector on each venue's own protocol: books equal to the venue's, what it was not sent on record, nothing called live.

The venue is venue_sim with that venue's captures. Its books (REST, folded by code of its own) and its account of what it
has withheld (GET /nightjar/truth) are what the collector's log and journal are compared with.
"""
import json

from feeds import CHECKSUM, Feed, SEQUENCE, TRUSTED, capture, compare, kalshi_key, levels, polymarket_tokens


def bybit():
    """Every book is 200 by 200; a hole in u costs the trust, and a snapshot brings it back."""
    for venue, symbols in (("BYBIT-PERP", ["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"]), ("BYBIT", ["BTCUSDT", "ETHUSDT"])):
        category = "linear" if venue == "BYBIT-PERP" else "spot"
        depth, trades = "orderbook.200.ETHUSDT", len(symbols) * 2
        with Feed(venue, symbols, capture("bybit/BYBIT.jsonl.zst"), speed="20",
                  sim_args=("--start-at", str(trades), "--faults", "skip@60:%s*2,duplicate@20,restart@90:%s" % (depth, depth))) as s:
            s.start()
            s.until_played()
            golden = {n: s.get("/v5/market/orderbook?category=%s&symbol=%s&limit=200" % (category, n))["result"] for n in symbols}
            truth = s.get("/nightjar/truth")
            books, states, gaps = s.results()
            for n in symbols:
                id = n + (".BYBIT" if venue == "BYBIT" else "-PERP.BYBIT")
                assert states[id][-1] == TRUSTED, (id, states[id])
                compare(books[id], levels(golden[n]["b"]), levels(golden[n]["a"]), 200)
            lost, = [b for b in truth["blind"] if b["stream"] == depth and b["why"] == "skipped"]
            holes = [g for g in gaps if g["stream"] == "depth" and g["cause"] == SEQUENCE]
            assert [(g["first"], g["last"]) for g in holes] == [(lost["first_id"], lost["last_id"])], (holes, lost)
            print("%s: %d books equal, 1 hole of %d updates on record" % (venue, len(symbols), lost["frames"]))


def usdm():
    """Two connections, one for each base; books from REST and diffs chained by pu."""
    symbols = ["SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"]
    depth = "keepusdt@depth@100ms"
    with Feed("BINANCE-PERP", symbols, capture("binance/rest/BINANCE_FUTURES.jsonl.zst"), streams="depth,top,trade", speed="5",
              sim_args=("--start-at", str(len(symbols) * 3), "--faults", "skip@60:%s*2" % depth)) as s:
        s.start()
        s.until_played()
        golden = {n: s.get("/fapi/v1/depth?symbol=%s&limit=1000" % n) for n in symbols}
        truth = s.get("/nightjar/truth")
        books, states, gaps = s.results()
        for n in symbols:
            id = n + "-PERP.BINANCE"
            assert states[id][-1] == TRUSTED, (id, states[id])
            compare(books[id], levels(golden[n]["bids"]), levels(golden[n]["asks"]), 50)
        lost, = [b for b in truth["blind"] if b["stream"] == depth and b["why"] == "skipped"]
        holes = [g for g in gaps if g["stream"] == "depth" and g["cause"] == SEQUENCE]
        assert len(holes) == 1 and holes[0]["first"] <= lost["first_id"] and lost["last_id"] <= holes[0]["last"], (holes, lost)
        assert truth["connections"] >= 2 and all(v["unheard"] == 0 for v in truth["streams"].values()), truth
        print("BINANCE-PERP: %d books equal, 1 hole of %d updates on record" % (len(symbols), lost["frames"]))


def kalshi_ticker(path, symbol):
    """The recordings have no tickers: one in the words of the venue's documents, amid the symbol's other frames."""
    at = 1785930672883
    msg = {"market_ticker": symbol, "market_id": "", "price_dollars": "0.5500", "yes_bid_dollars": "0.5400", "yes_ask_dollars": "0.5600",
           "volume_fp": "10000.25", "open_interest_fp": "5000.00", "dollar_volume": 5000, "ts": at // 1000, "ts_ms": at}
    with open(path, "w") as f:
        f.write(json.dumps({"recv_ms": at, "event": {"type": "ticker", "sid": 9, "msg": msg}}, separators=(",", ":")) + "\n")
    return path


def kalshi():
    """A signed connection; one sequence over both markets: a hole puts both books in doubt."""
    symbols = ["KXGOLD15M-26AUG050800-00", "KXGOLD15M-26AUG102000-00"]
    files = capture("kalshi/events/%s/2026-08-05.ndjson.gz" % symbols[0], "kalshi/events/%s/2026-08-10.ndjson.gz" % symbols[1])
    with Feed("KALSHI", symbols, files, streams="depth,trade,ticker", speed="max") as s:
        private, public = kalshi_key(s.dir)
        s.files += "," + kalshi_ticker(s.path("ticker.ndjson"), symbols[0])
        s.sim_args += ["--client-key", public, "--faults", "skip@5000:orderbook_delta/%s*3" % symbols[0]]
        s.extra += ["collector.key_file=" + private]
        s.start({"NIGHTJAR_COLLECTOR__KEY_ID": "11111111-2222-3333-4444-555555555555"})
        s.until_played()
        golden = {n: s.get("/trade-api/v2/markets/%s/orderbook" % n)["orderbook_fp"] for n in symbols}
        truth = s.get("/nightjar/truth")
        books, states, gaps = s.results()
        for n in symbols:
            theirs = golden[n]
            asks = {round(1 - p, 9): q for p, q in levels(theirs.get("no_dollars", [])).items()}
            mine = books[n + ".KALSHI"]
            assert mine == (levels(theirs.get("yes_dollars", [])), asks), n
        assert s.tickers == {symbols[0] + ".KALSHI": [(0.55, 10000.25)]}, s.tickers
        lost, = [b for b in truth["blind"] if b["why"] == "skipped"]
        holes = [g for g in gaps if g["stream"] == "depth" and g["cause"] == SEQUENCE]
        assert holes and {g["last"] - g["first"] + 1 for g in holes} == {lost["frames"]}, (holes, lost)
        print("KALSHI: %d books equal, signed; a hole of %d in the subscription on record" % (len(symbols), lost["frames"]))


def polymarket():
    """Two tokens of one market, without sequences: that a frame is missing shows in the hashes; fresh books bring trust back."""
    files = capture("polymarket/polymarket_ws.jsonl")
    symbols = polymarket_tokens(files)
    # What these two frames told is not told again before the end.
    with Feed("POLYMARKET", symbols, files, speed="20", sim_args=("--start-at", "3", "--faults", "skip@53*2")) as s:
        s.start()
        s.until_played()
        golden = {n: s.get("/book?token_id=" + n) for n in symbols}
        truth = s.get("/nightjar/truth")
        books, states, gaps = s.results()
        for n in symbols:
            id, = [k for k in books if k.startswith(n)]
            theirs = [levels((r["price"], r["size"]) for r in golden[n][side]) for side in ("bids", "asks")]
            assert states[id][-1] == TRUSTED and books[id] == tuple(theirs), (id, states[id])
        lost = [b for b in truth["blind"] if b["why"] == "skipped"]
        holes = [g for g in gaps if g["cause"] == CHECKSUM]
        assert holes and all(g["stream"] == "depth" for g in holes), (gaps, lost)
        assert all(lost[0]["from_wall"] < g["to"] for g in holes), (gaps, lost)
        print("POLYMARKET: %d books equal, %d frames missing, found by hashes" % (len(symbols), sum(b["frames"] for b in lost)))


def main():
    for venue in (bybit, usdm, kalshi, polymarket):
        venue()
    print("ok")


main()
