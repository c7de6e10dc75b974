"""The disk below a journal is full, or fails: the service says so and ends before anybody has seen what it could not keep.

With room again it goes on where it was: same ledger as an undisturbed run, every record once.
"""
import os

from live import compare_with_journals
from records import holes, ledger_digest
from stack import Stack, btc_captures, wait_for

END = 1723161904535092233
ENOSPC, EIO = 28, 5


def preload(s, part, calls, nth, errno):
    return {"LD_PRELOAD": s.shim("iofail.so"), "IOFAIL_PATH": part, "IOFAIL_CALLS": calls, "IOFAIL_NTH": str(nth),
            "IOFAIL_COUNT": "0", "IOFAIL_ERRNO": str(errno),
            "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}


# service, part of the path, calls that fail, from which on, errno, what the log must name
FAILURES = [
    ("executor", "executor/journal", "write", 30, ENOSPC, "ERR_NO_SPACE"),
    ("strategy", "strategy/journal", "write", 10, ENOSPC, "ERR_NO_SPACE"),
    ("executor", "executor/journal", "fdatasync", 20, EIO, "ERR_IO"),
    ("strategy", "strategy/journal", "fdatasync", 8, EIO, "ERR_IO"),
]


def finish(s):
    s.wait_until_finished(END, 120)
    codes = s.stop()
    assert all(c == 0 for c in codes.values()), codes
    assert not holes(s.database), holes(s.database)
    n = compare_with_journals(s, ("executor", "strategy"))
    for name in ("executor", "strategy"):
        assert "differs from the journal" not in s.log(name), s.log(name)[-2000:]
    return n, ledger_digest(s.database)


def fail(s, service, part, calls, nth, errno, named):
    """A run of the service that meets the failure; without it afterwards."""
    s.kill(service)
    began = len(s.log(service))
    s.start_service(service, preload(s, part, calls, nth, errno))
    wait_for(lambda: s.processes[service].poll() is not None, 60, "%s to end: %s" % (service, s.log(service)[-1500:]))
    text = s.log(service)[began:]
    assert s.processes[service].returncode == 1, "%s: exit %s: %s" % (service, s.processes[service].returncode, text[-1500:])
    assert "level=error" in text and named in text, "%s does not say %s: %s" % (service, named, text[-1500:])
    s.start_service(service)
    print("%s: %s of its journal failed with %s; it said so, ended with 1, and was started again" % (service, calls, named))


def main():
    capture = btc_captures()
    with Stack("calm", capture=capture) as s:
        s.start()
        _, calm = finish(s)
    with Stack("disk", speed="60", capture=capture) as s:
        s.start()
        wait_for(lambda: (s.status("executor") or {}).get("x_last", 0) > 20, 60, "the first orders")
        for failure in FAILURES:
            fail(s, *failure)
        n, digest = finish(s)
        assert digest == calm, "%s instead of %s" % (digest, calm)
        print("%d records in journals and database, %s" % (n, digest))
    print("ok")


main()
