"""A real file system is full: journals, lane-M log, snapshots, database and log files lie on a small tmpfs of its own.

Nobody dies (a store into a hole of a mapped file would be SIGBUS), what cannot be kept is refused, counted and said, a service
that is started then ends with a reason; and with room again everything goes on: the ledger is the undisturbed run's.
"""
import ctypes
import os
import shutil
import signal
import subprocess
import sys

from records import TS_EVENT, events, holes, journal, ledger_rows
from stack import BIN, SERVICES, Stack, btc_captures, skip, wait_for

END = 1723161904535092233
NJ = os.path.join(BIN, "nj")
SIZE = 24 << 20
# Small segments, so that the disk is met soon, and a log that is full of them.
SETTINGS = ("run.journal_cap=512KiB", "run.log_cap=1MiB", "persister.alert_after=1s", "run.snapshot_events=2000",
            "run.lockstep_consumers=strategy,executor")
NOSUID, NODEV, NOEXEC, PRIVATE, REC = 2, 4, 8, 1 << 18, 1 << 14
NEWNS = 0x00020000
libc = ctypes.CDLL(None, use_errno=True)


def mount_private():
    """A mount namespace of our own: nothing that is mounted here is seen outside, and it goes with us."""
    if libc.unshare(NEWNS) != 0 or libc.mount(b"none", b"/", None, REC | PRIVATE, None) != 0:
        skip("no mount namespace (%s): a small file system needs root" % os.strerror(ctypes.get_errno()))


def mount_tmpfs(path, size, inodes=0):
    options = "size=%d,mode=0700%s" % (size, ",nr_inodes=%d" % inodes if inodes else "")
    if libc.mount(b"tmpfs", path.encode(), b"tmpfs", NOSUID | NODEV | NOEXEC, options.encode()) != 0:
        skip("no tmpfs can be mounted: %s" % os.strerror(ctypes.get_errno()))


class Small(Stack):
    """A stack whose data and logs lie on the small file system; the bus and the settings do not."""

    def __init__(self, name, capture, settings=SETTINGS, inodes=0, speed="30"):
        super().__init__(name, speed=speed, capture=capture, settings=settings)
        os.mkdir(self.path("data"))
        mount_tmpfs(self.path("data"), SIZE, inodes)
        self.extra.append("log.dir=" + self.path("data", "logs"))
        self.ballast = self.path("data", "ballast")

    def __exit__(self, *exc):
        try:
            for name in list(self.processes):
                self.kill(name)
        finally:
            libc.umount2(self.path("data").encode(), 2)
            super().__exit__(*exc)

    def fill(self):
        """To the last byte: also what is given back meanwhile (trimmed segments, checkpoints) is taken."""
        with open(self.ballast, "ab", buffering=0) as f:
            for block in (1 << 20, 4096, 1):
                try:
                    while True:
                        f.write(b"x" * block)
                except OSError:
                    pass

    def take_inodes(self):
        os.mkdir(self.ballast)
        for i in range(1 << 20):
            try:
                open(os.path.join(self.ballast, str(i)), "wb").close()
            except OSError:
                return

    def free(self):
        if os.path.isdir(self.ballast):
            shutil.rmtree(self.ballast)
        else:
            os.unlink(self.ballast)

    def value(self, service, name):
        return (self.status(service) or {}).get(name, 0)

    def said(self, service, text):
        """On stderr: the log file has no room either."""
        return text in self.log(service)

    def doctor(self, check):
        p = subprocess.run([NJ, "doctor", check, "--json", "--config", self.path("nightjar.conf")], stdout=subprocess.PIPE, timeout=60)
        return p.stdout.decode()


def results(s):
    """What the cores made, without epoch, sequence (the shell's alerts take some) and time of sending."""
    return [r[:3] + r[5:8] + r[9:] for publisher, _, r in ledger_rows(s.database)
            if r[TS_EVENT] != 0 and publisher in ("collector", "executor", "strategy")]


def finish(s):
    s.wait_until_finished(END, 180)
    codes = s.stop()
    assert all(c == 0 for c in codes.values()), codes
    assert not holes(s.database), holes(s.database)
    return results(s)


def check_same(got, calm):
    differ = [(i, a, b) for i, (a, b) in enumerate(zip(got, calm)) if a != b]
    assert got == calm, "the ledger differs from the undisturbed run's: %d records, not %d; %d differ, first %r" % (
        len(got), len(calm), len(differ), differ[:3])


def raised(s, rule):
    return [(p, r) for p, _, r in ledger_rows(s.database) if r[0] == 0x0005 and r[11] == rule]


def full(s):
    """Who must keep something has met the end of the disk: the executor waits, and with it who waits for its promises."""
    s.fill()
    return s.value("executor", "held") and s.said("persister", "database_blocked")


def full_for_all(s):
    """The collector too: its log of market data has no room for the next file, unless on a slow machine all of it was there before."""
    return full(s) and (s.value("collector", "log_errors") or "end of the recording" in s.log("collector"))


def durable(s, name):
    """What a journal holds, as it lies on the disk."""
    for _, frame in journal(s.path("data", name, "journal")):
        yield from events(frame)


def check_start_on_full(s, name):
    """Started on a full disk it waits as before (its own spare segment was room enough to open), or ends with the reason: never a
    crash, and what is durable stands. True where it runs."""
    s.fill()
    began = len(s.log(name))
    s.start_service(name)
    ended = wait_for(lambda: s.processes[name].poll() is not None and "ended" or s.value(name, "held") and "held", 60,
                     "%s to wait or to say why not" % name)
    if ended == "held":
        return True
    text = s.log(name)[began:]
    assert s.processes[name].returncode == 1, "%s: exit %s: %s" % (name, s.processes[name].returncode, text)
    assert "cannot start" in text and "ERR_NO_SPACE" in text, text
    s.processes.pop(name)
    return False


def test_full(capture, calm):
    with Small("full", capture) as s:
        s.start()
        s.until("the first orders", lambda: s.value("executor", "x_last") > 20)
        s.until("the disk to be full for all", lambda: full_for_all(s), 90)
        before = s.value("executor", "x_last")
        assert s.said("executor", "the journal has no room")
        blocked = bool(s.value("collector", "log_errors"))
        for name, rule in (("executor", "snapshot_failed"),) + (("collector", "log_blocked"),) * blocked:
            assert s.log(name).count("rule=" + rule) == 1, "%s said %s %d times" % (name, rule, s.log(name).count("rule=" + rule))
        assert '"verdict":"fail"' in s.doctor("disk.data"), s.doctor("disk.data")
        assert all(s.status(name, timeout=20) for name in SERVICES), "somebody does not answer"
        s.check_alive()
        s.free()
        got = finish(s)
        for rule in ("database_blocked",) + ("log_blocked",) * blocked:
            assert {r[10] for _, r in raised(s, rule)} == {1, 2}, "%s: raised and resolved is not on record" % rule
        print("full at record %d of the executor, the market log %s, %d results afterwards" % (
            before, "blocked" if blocked else "complete before", len(got)))
        check_same(got, calm)


def test_restart(capture, calm):
    """Killed and started while the disk is full: what lane M did not keep meanwhile is a gap on record, nothing else is missing."""
    with Small("again", capture) as s:
        s.start()
        s.until("the first orders", lambda: s.value("executor", "x_last") > 20)
        s.until("the disk to be full", lambda: full(s), 90)
        s.kill("executor", signal.SIGKILL)
        kept = sum(1 for ev in durable(s, "executor") if ev[TS_EVENT] != 0)
        assert kept > 20, "only %d records are in the journal" % kept
        runs = check_start_on_full(s, "executor")
        s.free()
        if not runs:
            s.start_service("executor")
        got = finish(s)
        gaps = [r for p, _, r in ledger_rows(s.database) if p == "executor" and r[0] == 0x0006]
        print("restarted on a full disk (%s), %d results, %d gaps" % ("waited" if runs else "refused", len(got), len(gaps)))
        assert gaps or got == calm, "the ledger differs, and no gap says why"
        before = [r for r in calm if r[2] == "executor"][:kept]
        assert [r for r in got if r[2] == "executor"][:kept] == before, "what was durable before is not what it was"


def test_inodes(capture, calm):
    """Room, but no file can be made."""
    with Small("inodes", capture, inodes=120) as s:
        s.start()
        s.until("the first orders", lambda: s.value("executor", "x_last") > 20)
        s.take_inodes()
        s.until("the journals to be held", lambda: s.value("executor", "held") or s.value("strategy", "held"), 90)
        assert all(s.status(name, timeout=20) for name in SERVICES), "somebody does not answer"
        s.free()
        got = finish(s)
        check_same(got, calm)
        print("no inodes, then again: %d records" % len(got))


TESTS = (test_full, test_restart, test_inodes)


def undisturbed(capture):
    with Stack("room", capture=capture) as s:
        s.start()
        return finish(s)


def main():
    capture = btc_captures()
    mount_private()
    calm = undisturbed(capture)
    assert calm
    for test in (t for t in TESTS if len(sys.argv) < 2 or any(word in t.__name__ for word in sys.argv[1:])):
        test(capture, calm)
    print("ok")


main()
