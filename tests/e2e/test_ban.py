"""A ban (418) is obeyed by the life that comes after a kill -9: it is on record at once, long before a snapshot."""
import time

from feeds import FIELDS, Feed
from records import journal, unpack

VENUE_WAIT = 0x000B
BAN = 600


def bans(s):
    found = []
    for _, frame in journal(s.path("data", "collector", "journal")):
        ev, _ = unpack(frame, frame.index(b"\0") + 1)
        if ev[0] == VENUE_WAIT:
            found.append(ev[FIELDS:FIELDS + 3])
    return found


def main():
    with Feed("BINANCE", ["BTCUSDT"], speed="1", sim_args=("--symbols", "BTCUSDT", "--rate", "50", "--seed", "3")) as s:
        s.start()
        s.until("a book", lambda: s.metric("depth_applied") > 3)
        s.fault(fault="status", status=418, retry_after=BAN)  # of the next request: the clock's, at five seconds
        s.until("the ban to be heard", lambda: "the venue refuses them" in s.log("collector"))
        s.until("its record", lambda: bans(s))
        s.kill("collector")
        (venue, status, until), = bans(s)
        assert venue == "BINANCE" and status == 418 and 0 < until / 10**9 - time.time() < BAN, (venue, status, until)
        s.start_service("collector")
        # Without the record: the instruments at once, so that it connects before the three seconds of describe_wait are
        # over, a book for the frames, and the clock after five seconds.
        s.until("frames again", lambda: s.metric("frames") > 200)
        assert s.metric("requests") == 0 and s.metric("clock_answers") == 0, s.log("collector")[-3000:]
    print("ok")


main()
