#!/usr/bin/env python3
"""Lane X under SIGKILL and SIGSTOP: publisher, persister and another consumer, recounted byte for byte by another program.

  test_bus.py storm     kills at random moments, each service NJ_KILLS times (15; 100 in CI, 1,000 with NJ_LONG)
  test_bus.py points    one kill at every named point of common/io/crash_points.def
  test_bus.py control   the storm against a consumer that has the same sockets and no replay: it must lose
  test_bus.py faults    every file operation on the way of a record fails once: nothing lost, one line, one counter
  test_bus.py compare   the same moments against ZeroMQ PUB/SUB, Redis pub/sub and NATS core: their loss beside ours

NIGHTJAR_SEED (1) makes plan and moments; it is printed. See recount.py for what is compared.
"""
import errno
import os
import random
import re
import shutil
import signal
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "e2e"))
sys.path.insert(0, HERE)
import plain  # noqa: E402
from recount import Archive, Loss, database, ledger  # noqa: E402
from stack import BIN, LONG, SOURCE, Stack, skip, stored, wait_for  # noqa: E402

SEED = int(os.environ.get("NIGHTJAR_SEED") or 1)
KILLS = int(os.environ.get("NJ_KILLS") or (1000 if LONG else 15))
PROGRAMS = {"executor": "chaos_source", "persister": "nightjar-persister", "strategy": "chaos_sink"}
LIMIT = 120  # seconds to wait for what must happen


class Lane(Stack):
  """Publisher (as executor), persister and a consumer (as strategy); nothing else."""

  def __init__(self, name, cap="64MiB", replay=True):
    Stack.__init__(self, name)
    self.cap, self.replay = cap, replay
    self.archive = Archive(self.path("data", "executor", "journal"), self.path("archive"))

  def write_settings(self):
    with open(self.path("nightjar.conf"), "w") as f:
      f.write('bus\n    dir = "%s"\nrun\n    data = "%s"\n    origin = "simulated"\n    run_id = "chaos"\n'
              '    journal_cap = "%s"\n    heartbeat = "100ms"\npersister\n    interval = "20ms"\n'
              % (self.path("bus"), self.path("data"), self.cap))
      if not self.replay:
        f.write('strategy\n    replay = "false"\n')

  def begin(self, name, *settings, env=()):
    argv = [os.path.join(BIN, PROGRAMS[name]), "--config", self.path("nightjar.conf")]
    for setting in settings:
      argv += ["--set", setting]
    self.spawn(name, argv, env)

  def begin_all(self):
    self.write_settings()
    for name in PROGRAMS:
      self.begin(name)
    wait_for(lambda: self.status("executor"), LIMIT, "the publisher")

  def kill_and_begin(self, name, *settings):
    self.kill(name)
    self.archive.take()
    self.begin(name, *settings)

  def pause(self, name, seconds):
    """SIGSTOP and SIGCONT, like a machine that swaps."""
    p = self.processes[name]
    if p.poll() is None:
      p.send_signal(signal.SIGSTOP)
      time.sleep(seconds)
      p.send_signal(signal.SIGCONT)

  def x_last(self):
    return (self.status("executor") or {"x_last": -1})["x_last"]

  def settle(self):
    """No new records: waits until all there are have been stored, and ends everybody."""
    self.kill_and_begin("executor", "executor.burst=0")
    last = wait_for(lambda: self.status("executor"), LIMIT, "the publisher")["x_last"]
    wait_for(lambda: self.archive.take() or self.check_alive() or stored(self.database, "executor") == last, LIMIT,
             "the persister to have all %d records" % last)
    if self.replay:
      wait_for(lambda: self.check_alive() or self.ledger_end() == last, LIMIT,
               "the consumer to have all %d records" % last)
    self.archive.take()
    codes = {name: self.kill(name, signal.SIGTERM) for name in ("strategy", "executor", "persister")}
    assert all(code == 0 for code in codes.values()), codes
    return last

  def ledger_end(self):
    records = ledger(self.path("data", "strategy", "ledger"))
    return records[-1][0] if records else 0

  def recount(self):
    """(loss of the persister, loss of the consumer), each against the publisher's journal."""
    published = self.archive.records()
    rows, alerts, place = database(self.database, "executor")
    holes = [seq for seq in range(1, max(published) + 1) if seq not in published]
    assert not holes, "the publisher's own journal lacks %d records from %d on" % (len(holes), holes[0])
    persisted = Loss(published, sorted(rows.items()))
    assert place == max(rows), "the checkpoint is at %d, the newest record at %d" % (place, max(rows))
    assert alerts == len(rows), "%d rows of the table for %d raw records" % (alerts, len(rows))
    return persisted, Loss(published, ledger(self.path("data", "strategy", "ledger")))

  def judge(self, what):
    persisted, consumed = self.recount()
    print("%s: persister %s" % (what, persisted))
    print("%s: consumer  %s" % (what, consumed))
    for name in PROGRAMS:
      text = self.log(name)
      assert "gone for good" not in text, "%s: %s" % (name, [l for l in text.splitlines() if "gone for good" in l][:2])
      assert "epoch_backwards" not in text, name
    assert persisted.none() and consumed.none()


class Script:
  """The moments of a storm: the same for every bus that it is played against."""

  def __init__(self, names, kills, seed):
    rng = random.Random(seed)
    self.plan = [n for n in names for _ in range(kills)]
    rng.shuffle(self.plan)
    self.steps = [(rng.uniform(0.0, 0.25), victim, rng.choice(names), rng.uniform(0.05, 0.4)) for victim in self.plan]
    self.stops = len(self.steps[::5])

  def play(self, kill_and_begin, pause):
    for i, (wait, victim, other, stop) in enumerate(self.steps):
      time.sleep(wait)
      kill_and_begin(victim)
      if i % 5 == 0:
        pause(other, stop)


def storm(name, script, replay=True):
  """Losses of persister and consumer after the storm, all settled."""
  began = time.monotonic()
  with Lane(name, replay=replay) as lane:
    lane.begin_all()
    script.play(lane.kill_and_begin, lane.pause)
    lane.settle()
    print("%s, seed %d: %d SIGKILLs and %d SIGSTOPs in %.0f s" % (
      name, SEED, len(script.plan), script.stops, time.monotonic() - began))
    if replay:
      lane.judge(name)
    return lane.recount()


def test_storm():
  persisted, _ = storm("storm", Script(sorted(PROGRAMS), KILLS, SEED))
  assert persisted.published > 10 * KILLS, "too little was published to show anything"


def test_control():
  """The same script without replay."""
  _, consumed = storm("control", Script(sorted(PROGRAMS), max(5, min(KILLS, 30)), SEED), replay=False)
  print("control: consumer without replay %s" % consumed)
  assert consumed.lost > 0, "without replay nothing was lost: the storm shows nothing"
  assert not consumed.altered and not consumed.doubled


class Plain(Stack):
  """Publisher and consumer of plain.py, and a broker where the bus has one."""

  def __init__(self, kind):
    Stack.__init__(self, kind)
    self.kind, self.address = kind, ""

  def begin(self, name):
    argv = [sys.executable, "-B", os.path.join(HERE, "plain.py"), name, self.kind, self.address, self.path("data", name)]
    self.spawn(name, argv + (["3", "2"] if name == "publish" else []))

  def begin_all(self):
    """False where there is no such broker on this machine."""
    if self.kind == "zmq":
      self.address = "ipc://" + self.path("plain.sock")
    elif self.kind == "redis":
      server = shutil.which("redis-server")
      self.address = self.path("redis.sock")
      if not server:
        return False
      self.spawn("broker", [server, "--port", "0", "--unixsocket", self.address, "--save", "", "--dir", self.dir])
    else:
      server = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/bin")
      if not server:
        return False
      with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        self.address = str(s.getsockname()[1])
      self.spawn("broker", [server, "-a", "127.0.0.1", "-p", self.address])
    for name in ("consume", "publish"):
      self.begin(name)
    wait_for(lambda: plain.numbers(self.path("data", "consume")), LIMIT, "the first record over %s" % self.kind)
    return True

  def pause(self, name, seconds):
    Lane.pause(self, name, seconds)

  def kill_and_begin(self, name):
    self.kill(name)
    self.begin(name)

  def settle(self):
    """Nothing new; what is on its way may arrive."""
    self.kill("publish")
    wait_for_rest(lambda: len(plain.numbers(self.path("data", "consume"))))
    self.kill("consume")
    return Loss({n: b"" for n in plain.numbers(self.path("data", "publish"))},
                [(n, b"") for n in plain.numbers(self.path("data", "consume"))])


def wait_for_rest(count):
  """Until a count has not moved for a second."""
  last, since = count(), time.monotonic()
  while time.monotonic() - since < 1:
    time.sleep(0.05)
    if count() != last:
      last, since = count(), time.monotonic()


def test_compare():
  """The same script against what others do without a journal; ours last."""
  kills = max(5, min(KILLS, 100))
  roles = {"publish": "executor", "consume": "strategy"}
  script = Script(sorted(roles), kills, SEED)
  rows = []
  for kind, name in (("zmq", "ZeroMQ PUB/SUB"), ("redis", "Redis pub/sub"), ("nats", "NATS core")):
    with Plain(kind) as bus:
      if not bus.begin_all():
        print("%s: skipped, no server of it is installed" % name)
        continue
      script.play(bus.kill_and_begin, bus.pause)
      rows.append((name, bus.settle()))
  with Lane("compare") as lane:
    lane.begin_all()
    script.play(lambda role: lane.kill_and_begin(roles[role]), lambda role, seconds: lane.pause(roles[role], seconds))
    lane.settle()
    rows.append(("Nightjar, lane X", lane.recount()[1]))
  print("seed %d: %d SIGKILLs and %d SIGSTOPs of publisher and consumer" % (SEED, len(script.plan), script.stops))
  for name, loss in rows:
    print("%-18s %s" % (name, loss))
  assert rows[-1][1].none()
  assert all(loss.lost > 0 for _, loss in rows[:-1]), "a bus without a journal lost nothing: the script shows nothing"


def points():
  """(name, what is true there) of every crash point, from the table that the programs are made of."""
  with open(os.path.join(SOURCE, "common", "io", "crash_points.def")) as f:
    rows = re.findall(r'^CRASH_POINT\(\w+, "([\w.]+)", "([^"]+)"\)', f.read(), re.M)
  assert len(rows) > 20, "no table of crash points"
  return rows


# Who passes a point; the first of these words that the point begins with.
WHO = (("store.", "persister"), ("inbox.", "strategy"), ("", "executor"))
# Also passed by others: every service has a journal, and the persister follows as the consumer does.
ALSO = {"inbox.": ("persister",), "journal.": ("strategy",), "segment.": ("strategy",)}
# A start passes them already; the others need a running service.
AT_START = ("segment.made", "segment.before_sync", "segment.before_rename", "segment.after_rename")


def who_passes(point):
  first = next(name for start, name in WHO if point.startswith(start))
  return (first,) + next((names for start, names in ALSO.items() if point.startswith(start)), ())


def die_at(lane, name, point, nth):
  """Begins the service armed and waits for its death there."""
  lane.kill(name)
  lane.archive.take()
  before = len(lane.log(name))
  lane.begin(name, "run.crash_at=%s:%d" % (point, nth))
  asked, deadline = 0, time.monotonic() + LIMIT
  while lane.processes[name].poll() is None:
    if time.monotonic() > deadline:
      raise AssertionError("%s never came to %s:%d\n%s" % (name, point, nth, lane.log(name)[before:][-1500:]))
    if point.startswith("replay.") and time.monotonic() > asked + 0.3:  # somebody has to ask
      lane.kill_and_begin("strategy")
      asked = time.monotonic()
    lane.archive.take()
    time.sleep(0.02)
  code = lane.processes[name].returncode
  assert code == -signal.SIGKILL, "%s at %s ended with %s:\n%s" % (name, point, code, lane.log(name)[before:][-1500:])
  lane.kill(name)
  lane.archive.take()
  lane.begin(name)
  wait_for(lambda: lane.archive.take() or lane.status(name), LIMIT, "%s after its death at %s" % (name, point))


def test_points():
  rng = random.Random(SEED)
  rounds = 10 if LONG else 1
  deaths = 0
  with Lane("points", cap="512KiB") as lane:
    lane.begin_all()
    for _ in range(rounds):
      for point, _ in points():
        for name in who_passes(point):
          nth = 1 if point in AT_START or point.startswith("trim.") else rng.randint(1, 5)
          die_at(lane, name, point, nth)
          deaths += 1
    lane.settle()
    print("seed %d: died at %d points, %d deaths" % (SEED, len(points()), deaths))
    lane.judge("points")


# Operation, error number, bytes of a write that still go through. Which of them, from 1, is swept.
FAULTS = (("open", errno.EMFILE, 0), ("write", errno.ENOSPC, 0), ("write", errno.EIO, 0), ("write", errno.EIO, 100),
          ("fdatasync", errno.EIO, 0), ("fsync", errno.EIO, 0), ("fallocate", errno.ENOSPC, 0), ("rename", errno.EIO, 0),
          ("read", errno.EIO, 0), ("unlink", errno.EIO, 0), ("ftruncate", errno.EIO, 0), ("stat", errno.EIO, 0),
          ("flock", errno.ENOLCK, 0), ("mmap", errno.ENOMEM, 0))
# What has no path: descriptors and threads that cannot be had, connections that break under a transfer.
WITHOUT_PATH = (("socket", errno.EMFILE), ("accept", errno.EMFILE), ("eventfd", errno.EMFILE), ("epoll", errno.EMFILE),
                ("timerfd", errno.EMFILE), ("thread", errno.EAGAIN), ("send", errno.ECONNRESET), ("recv", errno.ECONNRESET))
# Where the records of each are, and what may fail there without a word: nothing depends on it.
FILES = {"executor": "executor/journal", "persister": "persister/nightjar.db", "strategy": "strategy/ledger"}
SILENT = ("/lock", "-shm", "ftruncate of ", "unlink of ")  # a file stays, or stays larger


def fail_once(lane, name, fault, nth, where, judge):
  """The nth operation of this kind of a fresh process fails. Returns the file it was, or None where there was none."""
  call, number, cut = fault
  told = lane.path("fault")
  if os.path.exists(told):
    os.unlink(told)
  lane.kill(name)
  lane.archive.take()
  before = len(lane.log(name))
  lane.begin(name, env={"LD_PRELOAD": lane.shim("iofail.so"), "IOFAIL_PATH": where,
                        "IOFAIL_CALLS": call, "IOFAIL_NTH": str(nth), "IOFAIL_ERRNO": str(number), "IOFAIL_SHORT": str(cut),
                        "IOFAIL_LOG": told}.items())
  deadline = time.monotonic() + (4 if LONG else 2)
  p, fired = lane.processes[name], ""
  while not fired and time.monotonic() < deadline and p.poll() is None:
    time.sleep(0.02)
    fired = open(told).readline().strip() if os.path.exists(told) else ""
  if not fired or fired.startswith("count"):
    return None
  judge(lane, name, "%s of %s, %s, nth=%d" % (call, fired.split(" ", 1)[1], errno.errorcode[number], nth), before)
  return "%s %s" % (call, fired.split(" ", 1)[1])


def said_within(said, seconds):
  end = time.monotonic() + seconds
  while not said() and time.monotonic() < end:
    time.sleep(0.05)
  return said()


def judge_fault(lane, name, what, before):
  """One line in the log, one counter in the status, or an end with a reason."""
  if any(word in what for word in SILENT):
    return

  def said():
    text = lane.log(name)[before:]
    return re.search(r"level=(warn|error)", text)

  def counted():
    status = lane.status(name) or {}
    return status.get("errors", 0) or status.get("journal_errors", 0) or status.get("persister_retries_total", 0)

  # Two things are SQLite's own affair: a checkpoint that could not be synced (the WAL still has everything, the next one
  # tries again), and a look at whether somebody has put another file in the database's place.
  if name == "persister" and ("sync of " in what or what.startswith("stat ")) and not said_within(said, 3):
    assert lane.processes[name].poll() is None
    return
  p = lane.processes[name]
  wait_for(said, 30, "a line in the log of %s about: %s" % (name, what))
  wait_for(lambda: p.poll() is not None or counted(), LIMIT, "a counter of %s that moved because of: %s" % (name, what))
  assert p.poll() in (None, 1), "%s ended with %s after: %s\n%s" % (name, p.poll(), what, lane.log(name)[before:][-1500:])


def judge_without_path(lane, name, what, before):
  """It goes on, or has ended having said why: with 1, or where libzmq itself cannot go on by its abort. A connection that
  broke was counted, by the publisher or by its followers, who say so."""
  p = lane.processes[name]
  broke = what.startswith(("send ", "recv "))
  ends = said_within(lambda: p.poll() is not None, 0.5 if not broke else 0.1)
  if ends:
    text = lane.log(name)[before:]
    assert p.returncode in (1, -signal.SIGABRT), "%s ended with %s after: %s" % (name, p.returncode, what)
    assert re.search(r"level=error|\(src/\w+\.cpp|Assertion", text), "%s: %s" % (what, text[-1500:])
    return
  if broke:
    wait_for(lambda: (lane.status(name) or {}).get("bus_disconnects", 0) > 0, LIMIT, "%s to count: %s" % (name, what))
  wait_for(lambda: lane.status(name), LIMIT, "%s after: %s" % (name, what))


def sweep_without_path(lane):
  fired = 0
  for name in sorted(PROGRAMS) if LONG else ("executor",):
    for call, number in WITHOUT_PATH:
      for nth in range(1, 31) if LONG else (1, 3):
        if fail_once(lane, name, (call, number, 0), nth, "descriptor", judge_without_path) is None:
          break
        fired += 1
    lane.kill_and_begin(name)
  for call in ("open", "flock", "write"):  # of the lock that stands before the sockets
    fired += fail_once(lane, "executor", (call, errno.EIO, 0), 1, lane.path("bus", "executor.lock"), judge_fault) is not None
  lane.kill_and_begin("executor")
  return fired


def test_faults():
  if not os.path.exists(os.path.join(BIN, "iofail.so")):
    skip("iofail.so is not built")
  fired, silent = 0, []
  with Lane("faults") as lane:
    lane.begin_all()
    for name in sorted(PROGRAMS):
      for fault in FAULTS:
        for nth in range(1, 31) if LONG else (1, 2, 4):  # unit.io.journal_fault walks them all
          what = fail_once(lane, name, fault, nth, lane.path("data", FILES[name]), judge_fault)
          if what is None:
            break
          fired += 1
          if any(word in "%s of %s" % tuple(what.split(" ", 1)) for word in SILENT):
            silent.append(what)
      lane.kill_and_begin(name)
    began = wait_for(lambda: lane.status("executor"), LIMIT, "the publisher")["x_last"]
    bare = sweep_without_path(lane)
    wait_for(lambda: lane.x_last() > began, LIMIT, "records after all that")
    lane.settle()
    print("%d operations failed once, %d of them where nothing depends on it; %d without a path" % (fired, len(silent), bare))
    assert bare > 10, "too few operations without a path failed"
    assert fired > 30, "too few operations failed"
    lane.judge("faults")


def main():
  theme = sys.argv[1] if len(sys.argv) > 1 else "storm"
  {"storm": test_storm, "control": test_control, "points": test_points, "faults": test_faults,
   "compare": test_compare}[theme]()
  print("ok")


main()
