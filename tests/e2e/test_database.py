"""The database is locked, full, read-only, damaged: records wait with their publishers, and afterwards each is there once.

locked: held by another process for more than ten seconds. broken: everything else, one after the other.
"""
import glob
import os
import signal
import sqlite3
import sys
import time

from live import compare_with_journals
from records import holes
from stack import LONG, Stack, btc_captures, stored, wait_for

END = 1723161904535092233
HOLD_S = 30 if LONG else 10.5
CRITICAL, RAISED, RESOLVED = "critical", "raised", "resolved"


def alerts(s, name):
    db = sqlite3.connect("file:%s?mode=ro" % s.database, uri=True, timeout=10)
    try:
        return db.execute("SELECT state, severity FROM alerts WHERE rule = ? ORDER BY seq", (name,)).fetchall()
    finally:
        db.close()


def metric(s, name):
    st = s.status("persister")
    return st.get(name, 0) if st else 0


def finish(s):
    s.wait_until_finished(END, 120)
    codes = s.stop()
    assert all(c == 0 for c in codes.values()), codes
    assert not holes(s.database), holes(s.database)
    return compare_with_journals(s)


def locked(capture):
    """Nobody writes past the lock, nobody waits for the database, and nothing is missing when it is free again."""
    with Stack("locked", speed="40", capture=capture, settings=("persister.alert_after=1s",)) as s:
        s.start()
        wait_for(lambda: stored(s.database, "executor") > 20, 60, "the first records")
        other = sqlite3.connect(s.database, isolation_level=None, timeout=30)
        other.execute("BEGIN EXCLUSIVE")
        before = other.execute("SELECT count(*) FROM xlog").fetchone()[0]
        acked = s.status("executor")["x_last"]
        released = time.monotonic() + HOLD_S
        while time.monotonic() < released:
            s.check_alive()
            time.sleep(0.2)
        assert other.execute("SELECT count(*) FROM xlog").fetchone()[0] == before, "somebody wrote without the lock"
        behind = s.status("executor")["x_last"]
        assert behind > acked, "the executor waited for the database"
        assert metric(s, "persister_retries_total") > 0
        assert "database_blocked" in s.log("persister"), "no alert: " + s.log("persister")[-1500:]
        other.execute("ROLLBACK")
        other.close()
        n = finish(s)
        seen = alerts(s, "database_blocked")
        assert seen[0] == (RAISED, CRITICAL) and seen[-1][0] == RESOLVED, seen
        print("locked for %.1f s at %d records: %d records in the end" % (HOLD_S, before, n))


def failing(s, what, errno, count):
    """The persister's next run, in which `count` writes of the database fail."""
    s.kill("persister")
    log = s.path("iofail-%s" % what)
    s.start_service("persister", {"LD_PRELOAD": s.shim("iofail.so"), "IOFAIL_PATH": "nightjar.db", "IOFAIL_CALLS": "write",
                                  "IOFAIL_NTH": "12", "IOFAIL_COUNT": str(count), "IOFAIL_ERRNO": str(errno), "IOFAIL_LOG": log,
                                  "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")})

    def failed():
        assert s.processes["persister"].poll() is None, s.log("persister")[-2000:]
        return os.path.exists(log) and open(log).read().count("\n") >= count

    wait_for(failed, 60, "failures")
    before = stored(s.database, "executor")
    wait_for(lambda: stored(s.database, "executor") > before or "end of the recording" in s.log("collector"), 60, "writes again")
    print("%s: %d writes failed, it went on" % (what, count))


def damage(s, page_of):
    s.kill("persister")
    db = sqlite3.connect(s.database, timeout=30)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    page = page_of and db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (page_of,)).fetchone()[0]
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with open(s.database, "r+b") as f:
        f.seek((page - 1) * size if page else 0)
        f.write(b"\x5a" * size)


def moved_aside(s):
    return len([p for p in glob.glob(s.database + ".corrupt-*") if not p.endswith(("-wal", "-shm"))])


def broken(capture):
    with Stack("broken", speed="40", capture=capture) as s:
        s.start()
        wait_for(lambda: stored(s.database, "executor") > 20, 60, "the first records")
        failing(s, "full", 28, 4)
        failing(s, "read-only", 30, 3)
        failing(s, "bad disk", 5, 3)
        damage(s, None)
        s.start_service("persister")
        wait_for(lambda: moved_aside(s) == 1 and stored(s.database, "executor") > 20, 60, "the database to be made anew")
        assert "rebuilt from the journals" in s.log("persister")
        print("damaged at start: moved aside and made anew")
        damage(s, "xlog")
        s.start_service("persister")
        code = s.processes["persister"].wait(60)
        assert code == 1, "damage in use: exit %s" % code
        assert moved_aside(s) == 2, "damage in use was left for the next start"
        s.kill("persister", signal.SIGTERM)
        s.start_service("persister")
        n = finish(s)
        print("damaged in use: moved aside, made anew by the next start; %d records in the end" % n)


def main():
    capture = btc_captures()
    {"locked": locked, "broken": broken}[sys.argv[1]](capture)
    print("ok")


main()
