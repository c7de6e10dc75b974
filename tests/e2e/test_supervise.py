"""The watchdog as supervisor: hangs end, deaths are mended, crash loops slow down, and it may itself be killed."""
import os
import re
import signal
import time

from live import Live, until_stored
from stack import BIN, SERVICES, wait_for


def pids(s):
    found = {name: (s.status(name) or {}).get("pid") for name in SERVICES}
    return found if all(found.values()) else None


def start_watchdog(s):
    argv = [os.path.join(BIN, "nightjar-watchdog"), "--config", s.path("nightjar.conf")]
    for setting in s.extra:
        argv += ["--set", setting]
    s.spawn("watchdog", argv)


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def replaced(s, name, old):
    return wait_for(lambda: (s.status(name) or {}).get("pid", old) != old and pids(s), 60, "another " + name)


def supervised():
    settings = ("watchdog.supervise=true", "watchdog.bin=" + BIN, "watchdog.dead_after=1500ms")
    with Live("supervise", settings=settings) as s:
        s.start_venue()
        s.write_settings()
        first = {}
        try:
            start_watchdog(s)
            first = wait_for(lambda: pids(s), 60, "four services")
            s.until_trusted()
            # Hung: found by its missing heartbeat, killed, replaced.
            os.kill(first["executor"], signal.SIGSTOP)
            second = replaced(s, "executor", first["executor"])
            assert "service_hung" in s.log("watchdog") and not alive(first["executor"])
            # The watchdog dies by itself: nobody else notices, and its successor takes them over.
            s.kill("watchdog")
            assert all(alive(p) for p in second.values())
            start_watchdog(s)
            wait_for(lambda: s.log("watchdog").count("msg=adopted") == 4, 60, "four services to be taken over")
            assert pids(s) == second, "taken over with a restart"
            # A death after that is seen as well.
            os.kill(second["collector"], signal.SIGKILL)
            third = replaced(s, "collector", second["collector"])
            assert {n for n in SERVICES if third[n] != second[n]} == {"collector"}
            s.until("the feed to be back", lambda: s.metric("collector", "collector_depth_applied_total") > 3)
            until_stored(s)
            assert s.kill("watchdog", signal.SIGTERM) == 0, s.log("watchdog")[-2000:]
            left = [n for n, p in third.items() if alive(p)]
            assert not left, "left behind: %s" % left
            s.kill("venue_sim", signal.SIGTERM)
        finally:
            for name in SERVICES:
                pid = (s.status(name) or {}).get("pid")
                if pid:
                    os.kill(pid, signal.SIGKILL)
    print("hung: replaced; watchdog killed: all taken over; killed: replaced; stopped: nobody left")


def crash_loop():
    """Three fast tries, an alert, then 1 s, 2 s …; times between starts, from the log itself. Beside it a program without a
    heartbeat dies once: its alert ends when it has stayed."""
    settings = ("watchdog.supervise=true", "watchdog.units=broken,aside", "watchdog.broken.command=/bin/false",
                "watchdog.aside.command=/bin/sleep 1000", "watchdog.dead_after=1s")
    with Live("loop", settings=settings) as s:
        s.port = 9
        s.write_settings()
        start_watchdog(s)
        aside = wait_for(lambda: re.search(r"unit=aside state=RUNNING pid=(\d+)", s.log("watchdog")), 60, "the program beside it")
        os.kill(int(aside.group(1)), signal.SIGKILL)
        wait_for(lambda: "unit died\" unit=aside" in s.log("watchdog"), 60, "its death")
        s.kill("watchdog")  # what it leaves open the next one ends
        mark = len(s.log("watchdog"))
        start_watchdog(s)
        wait_for(lambda: s.log("watchdog")[mark:].count('msg="unit died" unit=broken') >= 6, 60, "six deaths")
        over = 'msg="alert resolved" rule=service_died subject=aside message="runs again"'
        wait_for(lambda: over in s.log("watchdog")[mark:], 60, "the end of its alert")
        log = s.log("watchdog")[mark:]
        assert 'rule=service_died subject=broken message="runs again"' not in log, log
        deaths = re.findall(r'time=\S+T(\d+):(\d+):(\d+\.\d+)Z .*msg="unit died" unit=broken', log)
        at = [int(h) * 3600 + int(m) * 60 + float(sec) for h, m, sec in deaths]
        waits = [(b - a) % 86400 for a, b in zip(at, at[1:])]
        for wait, least in zip(waits, (0.2, 0.2, 0.2, 1.0, 2.0)):
            assert wait >= least - 0.05, "%s: not by schedule" % waits
        assert "rule=service_died" in log, "no alert"
        assert s.status("watchdog")["watchdog_deaths_total"] >= 6
        assert s.kill("watchdog", signal.SIGTERM) == 0
    print("crash loop: tries after %s s" % ", ".join("%.1f" % w for w in waits))


def suspended():
    """Without a supervisor, who stood still goes on where it was, and its own stall watch does not take it for a hang."""
    with Live("suspend", settings=("run.stall=1s",)) as s:
        s.start()
        s.until_trusted()
        before = pids(s)
        for name, seconds in zip(SERVICES, (1.1, 1.4, 1.7, 2.3)):
            s.processes[name].send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            s.processes[name].send_signal(signal.SIGCONT)
        wait_for(lambda: pids(s) == before, 60, "everybody's answer")
        applied = s.metric("executor", "applied")
        s.until("work to go on", lambda: s.metric("executor", "applied") > applied)
        until_stored(s)
        codes = s.stop()
        assert all(c == 0 for c in codes.values()), codes
    print("each stood still for 1.1 to 2.3 s and went on")


def main():
    supervised()
    crash_loop()
    suspended()
    print("ok")


main()
