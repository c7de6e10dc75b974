"""Intents that come too late are recorded as expired and never traded: the strategy is stopped for longer than they live."""
import signal
import time

from live import Live, compare_with_journals

# Averages of one and two candles cross all the time; a strategy that is behind is called for every event.
QUICK = {"fast": "1", "slow": "2", "interval": "1s", "entry": "market", "qty": "0.01"}


def expired(s):
    return s.rows("SELECT client_order_id, reject, reason, ts_event FROM orders WHERE status = 'expired'")


def stop_for(s, seconds):
    s.processes["strategy"].send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    s.processes["strategy"].send_signal(signal.SIGCONT)


def main():
    with Live("expiry", settings=("run.behind=0", "run.wait_repair=1ms"), strategy=QUICK) as s:
        s.start()
        s.until_trusted()
        s.until("orders that are traded", lambda: s.rows("SELECT 1 FROM fills"), 120)
        for _ in range(12):
            stop_for(s, 6)
            handled = s.metric("executor", "handled")
            s.until("the market to go on", lambda: s.metric("executor", "handled") > handled + 3 * 10**9)
            if expired(s):
                break
        late = expired(s)
        assert late, "no intent came too late in twelve stops of six seconds"
        assert all(r["reason"] for r in late), [tuple(r) for r in late]
        traded = s.rows("SELECT count(*) FROM fills WHERE client_order_id IN (SELECT client_order_id FROM orders WHERE status = 'expired')")
        assert traded[0][0] == 0, "an expired intent was traded"
        # The rule itself, over everything that was accepted: by event time, not later than its intent says.
        wrong = s.rows("SELECT o.client_order_id FROM orders o JOIN intents i ON i.client_order_id = o.client_order_id AND i.kind = 'order' "
                       "WHERE o.status = 'open' AND o.ts_event > i.expires_at")
        assert not wrong, "accepted after their time: %s" % [r[0] for r in wrong]
        lives = {r[0] for r in s.rows("SELECT expires_at - ts_recv FROM intents WHERE kind = 'order'")}
        assert lives == {2 * 10**9}, "intents do not live for two seconds: %s" % lives
        before = len(s.rows("SELECT 1 FROM fills"))
        s.until("trading goes on", lambda: len(s.rows("SELECT 1 FROM fills")) > before, 120)
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
        compare_with_journals(s)
        print("%d intents expired, none of them traded; %d fills" % (len(late), before))


if __name__ == "__main__":
    main()
