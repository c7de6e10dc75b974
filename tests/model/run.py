#!/usr/bin/env python3
"""run - model-checks bus.pml with Spin: every state of each size without a violation or a cycle, and every rule missed when it is removed.

  tests/model/run.py            all sizes, then all removals
  tests/model/run.py NAME…      only these
NJ_LONG=1 takes the larger sizes. Exits 77 where spin or a compiler is missing.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "bus.pml")
LONG = os.environ.get("NJ_LONG", "") not in ("", "0")
MEGABYTES = 6000 if LONG else 1500

# name: sizes. What is not said is the default of bus.pml.
SIZES = {
  "crashes": "N=2 P_CRASHES=1 C_CRASHES=1 ASK_LOSSES=0",
  "losses": "N=2 P_CRASHES=1 C_CRASHES=0 ASK_LOSSES=1",
  "three records": "N=3 P_CRASHES=0 C_CRASHES=0 ASK_LOSSES=0",
  "lost disk": "N=2 P_CRASHES=0 C_CRASHES=0 ASK_LOSSES=0 LOST_DISKS=1 QUEUE=1",
  "set back": "N=2 P_CRASHES=0 C_CRASHES=0 ASK_LOSSES=0 SET_BACKS=1 QUEUE=1",
}
SIZES_LONG = {
  "crashes and losses": "N=2 P_CRASHES=1 C_CRASHES=1 ASK_LOSSES=1",
  "two crashes": "N=2 P_CRASHES=2 C_CRASHES=1 ASK_LOSSES=0",
  "three records and a crash": "N=3 P_CRASHES=1 C_CRASHES=0 ASK_LOSSES=0",
  "lost disk and crashes": "N=2 P_CRASHES=1 C_CRASHES=1 ASK_LOSSES=0 LOST_DISKS=1",
  "set back and crashes": "N=3 P_CRASHES=0 C_CRASHES=1 ASK_LOSSES=0 SET_BACKS=1",
}
# The rule that is removed: the size that shows it.
REMOVALS = {
  "NO_DURABLE_FIRST": "crashes",         # published before it is on disk
  "NO_HOLE_RULE": "losses",              # a later record is taken for the next
  "NO_TAIL_RULE": "losses",              # heartbeats do not tell of a lost tail
  "NO_CHECK_RULE": "set back",           # the record at our place is not compared
  "NO_OLD_EPOCH_RULE": "lost disk",      # records of a smaller epoch are taken
  "NO_FINISH_RULE": "lost disk",         # a larger epoch is taken at once
  "NO_COPY_RULE": "three records",       # what was given up is not asked of the copy
  "NO_EARLY_ACK_RULE": "crashes",        # acknowledged before it is committed
  "NO_ACK_EPOCH": "lost disk",           # acknowledgements of a lost journal count
  "NO_COPY_CHECK": "set back",           # where the record to compare is given up, the copy is not asked for it
  "NO_VERIFIED_ACK": "set back",         # and of the life before the publisher was set back
  "NO_ONE_TRANSACTION_EFFECT": "crashes",  # the effect, and its checkpoint later
  "NO_ONE_TRANSACTION_PLACE": "crashes",   # the checkpoint, and its effect later
}


def build(folder, defines, flags):
  """The verifier of the model with these sizes."""
  subprocess.run(["spin", "-a"] + ["-D" + d for d in defines] + [MODEL], cwd=folder, check=True, stdout=subprocess.PIPE)
  subprocess.run([os.environ.get("CC") or "cc", "-O1", "-w", "-DMEMLIM=%d" % MEGABYTES] + flags + ["-o", "pan", "pan.c"],
                 cwd=folder, check=True)


def search(name, defines, flags, options):
  with tempfile.TemporaryDirectory(prefix="nj-model-") as folder:
    build(folder, defines, flags)
    began = time.monotonic()
    out = subprocess.run([os.path.join(folder, "pan"), "-m1000000"] + options, cwd=folder, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, universal_newlines=True).stdout
    return Result(name, out, time.monotonic() - began)


class Result:
  def __init__(self, name, out, took):
    self.name, self.out, self.took = name, out, took
    self.errors = int(re.search(r"errors: (\d+)", out).group(1)) if "errors:" in out else -1
    self.states = int(float((re.search(r"([\d.e+]+) states, stored", out) or re.search(r"(0)", "0")).group(1)))
    self.complete = not re.search(r"Search not completed|max search depth too small|out of memory", out)
    found = re.search(r"pan:\d+: (.*?) \(at depth", out)
    self.violation = found.group(1) if found else ""

  def line(self, verdict):
    memory = re.search(r"([\d.]+)\s+total actual memory", self.out)
    print("%-28s %9d states %7.1f s %7s MB  %s" % (self.name, self.states, self.took, memory.group(1) if memory else "?", verdict))
    sys.stdout.flush()


def prove(name, defines):
  safe = search(name, defines, ["-DSAFETY", "-DCOLLAPSE"], [])
  good = safe.errors == 0 and safe.complete
  safe.line("no violation" if good else "VIOLATED: %s" % (safe.violation or safe.out[-600:]))
  return good


def no_cycle(name, defines):
  """No progress is declared anywhere: any cycle is reported. Without one, every run ends, and ends with all delivered."""
  run = search(name + ", cycles", defines, ["-DNP", "-DNOFAIR", "-DCOLLAPSE"], ["-l"])
  good = run.errors == 0 and run.complete
  run.line("every run ends" if good else "A CYCLE: %s" % (run.violation or run.out[-600:]))
  return good


def find(removal, defines):
  run = search(removal, defines + [removal], ["-DSAFETY", "-DCOLLAPSE"], [])
  run.line("found: %s" % run.violation if run.errors > 0 else "NOT FOUND: the model does not need this rule")
  return run.errors > 0


def main():
  for tool in ("spin", os.environ.get("CC") or "cc"):
    if not shutil.which(tool):
      print("skipped: no %s" % tool)
      sys.exit(77)
  sizes = dict(SIZES, **(SIZES_LONG if LONG else {}))
  wanted = sys.argv[1:]
  bad = []
  for name, text in sizes.items():
    if (not wanted or name in wanted) and not prove(name, text.split()):
      bad.append(name)
  for name in ("losses", "set back") + (("lost disk",) if LONG else ()):
    if (not wanted or name in wanted) and not no_cycle(name, sizes[name].split()):
      bad.append(name + ", cycles")
  for removal, name in REMOVALS.items():
    if (not wanted or removal in wanted) and not find(removal, sizes[name].split()):
      bad.append(removal)
  if bad:
    print("FAILED: " + ", ".join(bad))
    sys.exit(1)
  print("ok")


main()
