"""recount - what a publisher's journal and its consumers' ledgers hold, read again in another language and compared byte for byte.

Shares no code with the programs under test; the decoder of segments and events is tests/e2e/records.py.
"""
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"))
from records import journal, unpack  # noqa: E402


class Archive:
  """Hard links to every segment file that a journal ever had: what it gives up later can still be recounted.

  A file that was replaced under its name (opening copies the last one) is another inode; the younger one counts.
  """

  def __init__(self, folder, archive):
    self.folder, self.archive, self.inodes = folder, archive, {}
    os.makedirs(archive, exist_ok=True)

  def take(self):
    try:
      names = sorted(n for n in os.listdir(self.folder) if n.startswith("x-") and n.endswith(".njj"))
    except FileNotFoundError:
      return
    for name in names:
      path = os.path.join(self.folder, name)
      try:
        inode = os.stat(path).st_ino
        if inode in self.inodes:
          continue
        generation = os.path.join(self.archive, "%06d" % len(self.inodes))
        os.makedirs(generation, exist_ok=True)
        os.link(path, os.path.join(generation, name))
        self.inodes[inode] = generation
      except FileNotFoundError:
        continue  # given up between the two

  def records(self):
    """{sequence: body} of everything; the newest file that has a record is right about it."""
    out = {}
    for generation in sorted(self.inodes.values()):
      out.update((seq, body_of(frame)) for seq, frame in journal(generation))
    for seq, frame in journal(self.folder):
      out[seq] = body_of(frame)
    return out


def body_of(frame):
  return frame[frame.index(b"\0") + 1:]


def database(path, publisher):
  """{sequence: body}; the table's key makes a double impossible, so the checkpoint is compared, too."""
  db = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=20)
  try:
    rows = db.execute("SELECT seq, body FROM xlog WHERE publisher = ? ORDER BY epoch, seq", (publisher,)).fetchall()
    alerts = db.execute("SELECT count(*) FROM alerts WHERE source = ?", (publisher,)).fetchone()[0]
    place = db.execute("SELECT seq FROM checkpoint WHERE publisher = ? AND lane = 'X'", (publisher,)).fetchone()
  finally:
    db.close()
  assert len(rows) == len(set(seq for seq, _ in rows)), "a sequence in two epochs"
  return {seq: bytes(body) for seq, body in rows}, alerts, place[0] if place else 0


def ledger(folder):
  """[(sequence of the publisher, body)] in the order in which they were consumed."""
  return [(unpack(body)[0][4], body) for _, body in journal(folder)]


class Loss:
  def __init__(self, published, consumed):
    """Published: {sequence: body}; consumed: [(sequence, body)]."""
    seen = set()
    self.doubled = self.altered = self.disordered = 0
    before = 0
    for seq, body in consumed:
      self.doubled += seq in seen
      self.disordered += seq < before
      self.altered += published.get(seq) != body
      seen.add(seq)
      before = seq
    self.published, self.consumed = len(published), len(consumed)
    self.lost = len([seq for seq in published if seq not in seen])

  def none(self):
    return not (self.lost or self.doubled or self.altered or self.disordered)

  def __str__(self):
    return "%d published, %d lost (%.1f %%), %d doubled, %d altered" % (
      self.published, self.lost, 100.0 * self.lost / max(1, self.published), self.doubled, self.altered)
