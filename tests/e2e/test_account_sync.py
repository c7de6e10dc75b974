"""Our account at the venue: read, followed by the stream, one checked against the other; and a key that is kept, judged and not overused."""
import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from live import Live
from stack import wait_for
from wsclient import rest

ID = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
WRONG = "0" + SECRET[1:]


def write(path, text, mode=0o600):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def account(s, **change):
    reply = rest(s.port, "/nightjar/account", *(("POST", change) if change else ()))
    assert reply.status == 200, reply.body
    return reply.json()


def held(s, asset):
    """What the record says of an asset, in order: (total, locked, how we know)."""
    rows = s.rows("SELECT total, locked, cash_scale, learned FROM account_balances WHERE asset = ? ORDER BY ts_recv", asset)
    return [(r["total"] / 10 ** r["cash_scale"], r["locked"] / 10 ** r["cash_scale"], r["learned"]) for r in rows]


def alerts(s, rule):
    return [r["state"] for r in s.rows("SELECT state FROM alerts WHERE rule = ? ORDER BY ts_recv", rule)]


def states(s):
    return [(r["state"], r["streamed"]) for r in s.rows("SELECT state, streamed FROM account_states ORDER BY ts_recv")]


def start_collector(s, key, id=ID):
    s.extra = [x for x in s.extra if not x.startswith("collector.key_file=")] + ["collector.key_file=" + key]
    s.start_service("collector", {"NIGHTJAR_COLLECTOR__KEY_ID": id})


def refuses_open_key(s):
    start_collector(s, write(s.path("open"), SECRET + "\n", 0o644))
    assert s.processes.pop("collector").wait(timeout=20) != 0
    assert "chmod 600" in s.log("collector"), s.log("collector")
    os.remove(s.path("open"))


def follows(s):
    s.until("the account", lambda: states(s)[-1:] == [("known", 1)] and len(held(s, "USDT")) == 1)
    assert held(s, "BTC") == [(2.0, 0.5, "polled")] and held(s, "USDT") == [(100.25, 0.0, "polled")], held(s, "BTC")
    n = account(s)["polls"]
    s.until("rounds behind the stream", lambda: account(s)["polls"] >= n + 3)
    account(s, asset="BTC", free="1.0", locked="0.5", twice=True)
    s.until("what the stream tells", lambda: len(held(s, "BTC")) > 1)
    account(s, asset="ETH", free="3.00000001", locked="0", stale=2)
    s.until("an asset that is new", lambda: held(s, "ETH") == [(3.00000001, 0.0, "streamed")])
    n = account(s)["polls"]
    s.until("the late poll and one more", lambda: account(s)["polls"] >= n + 3)
    assert held(s, "BTC")[1:] == [(1.5, 0.5, "streamed")] and len(held(s, "ETH")) == 1, (held(s, "BTC"), held(s, "ETH"))
    assert s.metric("collector", "collector_account_corrections_total") == 0
    assert s.metric("collector", "collector_account_late_total") > 0


def corrects(s):
    account(s, asset="USDT", free="40.00", locked="0", silent=True)
    s.until("a correction", lambda: held(s, "USDT")[1:] == [(40.0, 0.0, "corrected")])
    s.until("one alert, and its end", lambda: alerts(s, "account_differs") == ["raised", "resolved"])


def comes_back(s):
    """Nobody is to blame for what changes while the stream is away."""
    account(s, drop=True, silent=True, asset="BTC", free="0", locked="0", unanswered=1)
    s.until("the account after the outage", lambda: held(s, "BTC")[-1] == (0.0, 0.0, "polled"))
    s.until("the stream again", lambda: states(s)[-1] == ("known", 1) and account(s)["subscriptions"] >= 2)
    assert "does not answer the subscription" in s.log("collector"), "one without an answer is made again"
    assert alerts(s, "account_differs") == ["raised", "resolved"], alerts(s, "account_differs")


def clock_is_off(s):
    account(s, clock_ms=60000)
    s.until("the alert for the clock", lambda: alerts(s, "account_clock") == ["raised"])
    n = account(s)["out_of_time"]
    time.sleep(2.5)
    assert account(s)["out_of_time"] == n, "asked again and again"


def another_life(s, key, rule, count, id=ID):
    """A key that will not do: one alert, and the venue is left alone."""
    assert s.kill("collector", signal.SIGTERM) == 0
    before = account(s)
    seen = len(alerts(s, rule))
    start_collector(s, key, id)
    s.until(rule, lambda: len(alerts(s, rule)) > seen)
    time.sleep(2.5)
    after = account(s)
    assert after["polls"] == before["polls"], "a refused key is read by"
    assert after[count] == before[count] + 1, (before, after)


def shows(s):
    rows = {r["name"]: r for r in json.loads(s.nj("accounts", "--json").stdout)}
    assert sorted(rows) == ["ETH", "USDT"], rows
    assert rows["ETH"]["held"] == 3.00000001 and rows["USDT"]["held"] == 40 and rows["USDT"]["learned"] == "corrected", rows
    assert {(r["account"], r["venue"], r["state"], r["origin"]) for r in rows.values()} == {("mine", "BINANCE", "known", "simulated")}, rows
    assert json.loads(s.nj("accounts", "--all", "other", "--json").stdout) == []
    assert "BTC" in s.nj("accounts", "--all").stdout and 0 < s.metric("collector", "collector_account_age_ns") < 60e9


def keeps_the_secret(s):
    shown = "".join(s.nj(*argv).stdout for argv in (("status", "collector"), ("status", "collector", "--json"), ("settings", "collector")))
    assert SECRET not in shown and WRONG not in shown
    seen = 0
    for folder, _, names in os.walk(s.dir):
        for name in names:
            path = os.path.join(folder, name)
            if name in ("key", "wrong", "customer") or not os.path.isfile(path):
                continue
            seen += 1
            with open(path, "rb") as f:
                data = f.read()
            for word in (SECRET, WRONG, ID):
                assert word.encode() not in data, (path, word[:4])
    assert seen > 5, seen


def binance():
    with Live("account", settings=("collector.account_poll=1s", "collector.account=mine", "collector.streams=top", "log.level=debug")) as s:
        write(s.path("customer"), "%s\n%s\nBTC 1.50000000 0.50000000\nUSDT 100.25 0.00\nDUST 0.000 0\n" % (ID, SECRET))
        s.sim_args += ["--account", s.path("customer")]
        s.start_venue()
        s.write_settings()
        s.extra += ["collector.account_url=ws://127.0.0.1:%d" % s.port]
        refuses_open_key(s)
        s.start_service("persister")
        key = write(s.path("key"), SECRET + "\n")
        start_collector(s, key)
        follows(s)
        corrects(s)
        comes_back(s)
        shows(s)
        good = account(s)
        assert good["bad_signatures"] == good["bad_keys"] == good["out_of_time"] == 0, good
        clock_is_off(s)
        account(s, clock_ms=0)
        another_life(s, write(s.path("wrong"), WRONG + "\n"), "account_refused", "bad_signatures")
        account(s, withdraws=True)
        another_life(s, key, "account_withdraws", "rights")
        assert account(s)["others"] == 0, "something else was signed for"
        origins = {r["origin"] for r in s.rows("SELECT DISTINCT origin FROM account_balances")}
        assert origins == {"simulated"}, origins
        keeps_the_secret(s)
        print("polls %(polls)d, subscriptions %(subscriptions)d" % account(s))
    wait_for(lambda: not os.path.exists(s.dir), 5, "the end")


# ---- Kalshi ----

MEMBER = "11111111-2222-3333-4444-555555555555"
A, B = "KX-DEMO-A", "KX-DEMO-B"
HELD_A, HELD_B = A + ".KALSHI", B + ".KALSHI"


def rsa_key(s, name):
    private, public = s.path(name), s.path(name + ".pub")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", private],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    os.chmod(private, 0o600)
    return private, public


def positions(s, instrument):
    """(quantity, at Kalshi contracts of YES; average price; how we know) of an instrument, in order."""
    rows = s.rows("SELECT qty, qty_scale, avg_price, price_scale, learned FROM account_positions WHERE instrument = ? ORDER BY ts_recv",
                  instrument)
    return [(r["qty"] / 10 ** r["qty_scale"], r["avg_price"] / 10 ** r["price_scale"], r["learned"]) for r in rows]


def kalshi_follows(s):
    """A page has one position; the stream tells positions, and the cash that they cost is found by asking, which is no fault."""
    s.until("the account", lambda: states(s)[-1:] == [("known", 1)])
    n = account(s)["polls"]
    s.until("rounds behind the stream", lambda: account(s)["polls"] >= n + 3)
    assert positions(s, HELD_A) == [(12.0, 0.45, "polled")], positions(s, HELD_A)
    assert positions(s, HELD_B) == [(-4.0, 0.56, "polled")], positions(s, HELD_B)
    assert held(s, "USD") == [(100.5, 0.0, "polled")] and positions(s, "KX-DEMO-C.KALSHI") == [], held(s, "USD")
    told = account(s)
    assert told["pages"] >= 3 * (told["polls"] - 1), told
    account(s, asset="USD", free="95.5000", locked="0")
    account(s, asset=A, free="22.00", locked="10.4500", twice=True)
    s.until("what the stream tells", lambda: positions(s, HELD_A)[1:] == [(22.0, 0.475, "streamed")])
    s.until("what it cost", lambda: held(s, "USD")[1:] == [(95.5, 0.0, "polled")])


def kalshi_corrects(s):
    account(s, asset=B, free="-7.00", locked="3.9200", silent=True)
    s.until("a correction", lambda: positions(s, HELD_B)[1:] == [(-7.0, 0.56, "corrected")])
    s.until("one alert, and its end", lambda: alerts(s, "account_differs") == ["raised", "resolved"])
    assert len(positions(s, HELD_A)) == 2 and len(held(s, "USD")) == 2, (positions(s, HELD_A), held(s, "USD"))


def kalshi():
    with Live("kalshi", settings=("collector.account_poll=1s", "collector.account=mine", "collector.venue=KALSHI", "collector.symbols=" + A,
                                  "collector.streams=trade", "collector.klines=0", "log.level=debug"),
              sim_args=("--venue", "KALSHI", "--rate", "20", "--seed", "7")) as s:
        (key, public), (wrong, _) = rsa_key(s, "key"), rsa_key(s, "wrong")
        write(s.path("customer"), "%s\n%s\nUSD 100.5000 0\n%s 12.00 5.4000\n%s -4.00 2.2400\nKX-DEMO-C 0.00 0.0000\n" % (MEMBER, public, A, B))
        s.sim_args += ["--account", s.path("customer")]
        s.start_venue()
        s.write_settings()
        s.extra += ["collector.account_url=ws://127.0.0.1:%d" % s.port]
        account(s, page=1)
        s.start_service("persister")
        start_collector(s, key, MEMBER)
        kalshi_follows(s)
        kalshi_corrects(s)
        good = account(s)
        assert good["bad_signatures"] == good["bad_keys"] == good["out_of_time"] == good["bad_handshakes"] == 0, good
        account(s, clock_ms=60000)
        s.until("the alert for the clock", lambda: alerts(s, "account_clock") == ["raised"])
        account(s, clock_ms=0)
        another_life(s, wrong, "account_refused", "bad_signatures", MEMBER)
        texts = [r["message"] for r in s.rows("SELECT message FROM alerts WHERE rule = 'account_refused' AND state = 'raised'")]
        assert len(texts) == 1 and "collector.key_file is not the key of collector.key_id" in texts[0], texts
        assert account(s)["others"] == 0 and account(s)["bad_handshakes"] > 0, account(s)
        print("KALSHI: polls %(polls)d, pages %(pages)d, subscriptions %(subscriptions)d" % account(s))


# ---- Binance USD-M ----

PERP = "BTCUSDT-PERP.BINANCE"


def usdm_follows(s):
    s.until("the account", lambda: states(s)[-1:] == [("known", 1)])
    n = account(s)["polls"]
    s.until("rounds behind the stream", lambda: account(s)["polls"] >= n + 3)
    assert held(s, "USDT") == [(1000.25, 0.0, "polled")] and positions(s, PERP) == [(-0.5, 60000.5, "polled")], positions(s, PERP)
    account(s, asset="BTCUSDT", free="-0.750", locked="60100.0", twice=True)
    s.until("what the stream tells", lambda: positions(s, PERP)[1:] == [(-0.75, 60100.0, "streamed")])
    account(s, asset="USDT", free="990.25000000", locked="0")
    s.until("the wallet", lambda: held(s, "USDT")[1:] == [(990.25, 0.0, "streamed")])


def usdm():
    with Live("usdm", settings=("collector.account_poll=1s", "collector.account=mine", "collector.venue=BINANCE-PERP",
                                "collector.streams=top", "collector.klines=0", "log.level=debug"),
              sim_args=("--venue", "BINANCE-PERP", "--symbols", "BTCUSDT", "--rate", "20", "--seed", "7")) as s:
        write(s.path("customer"), "%s\n%s\nUSDT 1000.25 0\nBTCUSDT -0.500 60000.5\n" % (ID, SECRET))
        s.sim_args += ["--account", s.path("customer")]
        s.start_venue()
        s.write_settings()
        s.extra += ["collector.account_url=ws://127.0.0.1:%d" % s.port]
        s.start_service("persister")
        start_collector(s, write(s.path("key"), SECRET + "\n"))
        usdm_follows(s)
        account(s, asset="BTCUSDT", free="0.000", locked="0.0", silent=True)
        s.until("a correction", lambda: positions(s, PERP)[2:] == [(0.0, 0.0, "corrected")])
        s.until("one alert, and its end", lambda: alerts(s, "account_differs") == ["raised", "resolved"])
        account(s, drop=True)
        s.until("the stream again", lambda: states(s)[-1] == ("known", 1) and account(s)["subscriptions"] >= 2)
        good = account(s)
        assert good["bad_signatures"] == good["bad_keys"] == good["out_of_time"] == 0, good
        another_life(s, write(s.path("wrong"), WRONG + "\n"), "account_refused", "bad_signatures")
        assert alerts(s, "account_refused") == ["raised"] and account(s)["others"] == 0, account(s)
        print("BINANCE-PERP: polls %(polls)d, subscriptions %(subscriptions)d" % account(s))


def main():
    """Beside each other: they wait more than they work."""
    with ThreadPoolExecutor(3) as pool:
        for stack in [pool.submit(venue) for venue in (binance, kalshi, usdm)]:
            stack.result()
    print("ok")


main()
