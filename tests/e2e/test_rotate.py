"""A connection is replaced by a new one, by age or because the venue shuts down, and nothing is lost, told twice or called a gap."""
import re

from live import Live, until_stored


def counters(s):
    st = s.status("collector") or {}
    return {k[len("collector_"):-len("_total")]: v for k, v in st.items() if k.startswith("collector_")}


def rotations(s):
    """(held, same) of each: frames the new connection had brought when it took over, and those that the old one had, too."""
    return [(int(m.group(1)), int(m.group(2))) for m in re.finditer(r"msg=rotated connection=0 held=(\d+) same=(\d+)", s.log("collector"))]


def main():
    with Live("rotate", settings=("collector.rotate=4s",)) as s:
        s.start()
        s.until_trusted()
        s.until("two rotations by age", lambda: len(rotations(s)) >= 2, 60)
        s.fault(fault="shutdown")
        s.until("one for the venue's end", lambda: 'the venue shuts down' in s.log("collector"), 30)
        n = len(rotations(s))
        s.until("it and one more", lambda: len(rotations(s)) >= n + 2, 60)
        applied = counters(s)["depth_applied"]
        s.until("data after it", lambda: counters(s)["depth_applied"] > applied + 5, 30)
        until_stored(s)
        seen = counters(s)
        for name in ("disconnects", "depth_gaps", "trade_gaps", "resyncs", "silences"):
            assert seen[name] == 0, (name, seen)
        assert not s.rows("SELECT 1 FROM gaps WHERE source = 'collector'"), "a gap, though nothing is missing"
        states = [r["state"] for r in s.rows("SELECT state FROM feed_states ORDER BY seq")]
        assert states == ["connecting", "live"], states
        assert not s.rows("SELECT 1 FROM alerts WHERE rule = 'feed_lost' AND state = 'raised'"), "an alert for a rotation"
        for held, same in rotations(s):
            assert 0 < same <= held, rotations(s)
        print("%d rotations; frames held, and the same as the old one's: %s" % (len(rotations(s)), rotations(s)))
        assert seen["trades"] > 100 and seen["depth_applied"] > 50, seen
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
    print("ok")


main()
