"""The wall clock is set back by an hour, forward by one, and back again, under running services and across a restart.

Event time never stands still (one nanosecond an event would freeze every timer for an hour), never goes back, and people are told.
"""
import os
import signal
import struct

from live import Live, compare_with_journals, until_stored
from records import holes
from stack import SERVICES

HOUR, SECOND = 3600 * 10**9, 10**9


class Shifted(Live):
    """Every service's wall clock is the machine's plus what a file says."""

    def start_service(self, name, env=()):
        if not os.path.exists(self.path("shift")):
            self.shift(0)
        env = dict(env, LD_PRELOAD=self.shim("clockshift.so"), CLOCKSHIFT_FILE=self.path("shift"),
                   ASAN_OPTIONS="verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", ""))
        super().start_service(name, env)

    slept = 0  # how far sleep has put the clocks forward that count it: the wall clock is one

    def shift(self, ns):
        """Written in place: the services have it mapped."""
        with open(self.path("shift"), "r+b" if os.path.exists(self.path("shift")) else "w+b") as f:
            f.write(struct.pack("=qq", ns + self.slept, self.slept))

    def time(self):
        return self.metric("collector", "last_stamp")

    def until_time_passes(self, what):
        """Two seconds of event time at the collector and at the core behind it, however long that takes."""
        began, handled = self.time(), self.metric("executor", "handled")
        self.until("event time to go on " + what, lambda: self.time() > began + 2 * SECOND > 2 * SECOND)
        self.until("the executor's time to go on " + what, lambda: self.metric("executor", "handled") > handled + 2 * SECOND)

    def alerts(self, state):
        return self.log("collector").count("%s rule=clock_back" % state)


def sleep(s):
    """The machine is suspended for half a minute: everything is made anew, and the blind period is on record."""
    s.slept = 30 * SECOND
    s.shift(0)
    s.until("the collector to wake up", lambda: "the machine slept for 30 s" in s.log("collector"))
    s.until("a gap for it", lambda: s.rows("SELECT 1 FROM gaps WHERE source = 'collector' AND stream = 'all' AND \"to\" - \"from\" > ?", 29 * SECOND))
    applied = s.metric("collector", "collector_depth_applied_total")
    s.until("a book again", lambda: s.metric("collector", "collector_depth_applied_total") > applied + 3)
    lost = s.metric("collector", "collector_disconnects_total")
    assert lost == 1, "%d connections lost: %s" % (lost, s.log("collector")[-1500:])
    cause = s.rows("SELECT cause FROM gaps WHERE source = 'collector' AND stream = 'all'")
    assert [r[0] for r in cause] == ["suspend"], cause


RAISED, RESOLVED = "msg=ALERT", 'msg="alert resolved"'


def main():
    with Shifted("clock") as s:
        s.start()
        s.until_trusted()
        s.until_time_passes("at first")
        assert s.alerts(RAISED) == 0
        sleep(s)
        assert s.alerts(RAISED) == 0
        before = s.time()
        s.shift(-HOUR)
        s.until("the alert", lambda: s.alerts(RAISED) == 1)
        s.until("everybody to say it", lambda: all("the wall clock jumped" in s.log(n) for n in SERVICES))
        s.until_time_passes("an hour back")
        assert s.time() > before
        s.kill("collector", signal.SIGKILL)
        killed = s.log("collector")
        s.start_service("collector")
        s.until("the restarted collector's alert", lambda: s.log("collector")[len(killed):].count(RAISED + " rule=clock_back") == 1)
        s.until_time_passes("an hour back and restarted")
        assert s.time() < before + HOUR // 2, "event time does not go by the clocks: %d s ahead" % ((s.time() - before) // SECOND)
        s.shift(0)
        s.until("both to be even", lambda: s.alerts(RESOLVED) == 1)
        s.until_time_passes("even again")
        even = s.time()
        s.shift(HOUR)
        s.until("the hour to be skipped", lambda: s.time() > even + HOUR - 600 * SECOND)
        assert s.alerts(RAISED) == 2, "forward is no reason for this alert"
        s.until_time_passes("an hour ahead")
        s.shift(0)
        s.until("the alert of the step back", lambda: s.alerts(RAISED) == 3)
        s.until_time_passes("after both")
        for name in SERVICES:
            assert s.metric(name, "clock_steps") >= 3, "%s has counted %d steps" % (name, s.metric(name, "clock_steps"))
        until_stored(s)
        codes = {name: s.kill(name, signal.SIGTERM) for name in reversed(SERVICES)}
        assert all(c == 0 for c in codes.values()), codes
        assert not holes(s.database), holes(s.database)
        back = s.rows("SELECT a.publisher, a.seq FROM xlog a JOIN xlog b ON a.publisher = b.publisher AND a.epoch = b.epoch "
                      "AND b.seq = a.seq + 1 WHERE b.ts_recv <= a.ts_recv")
        assert not back, "stamps that do not increase: %s" % [tuple(r) for r in back[:5]]
        print("%d records, in order of their stamps" % compare_with_journals(s, ("collector", "strategy", "executor")))
    print("ok")


main()
