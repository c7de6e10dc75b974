#!/usr/bin/env python3
"""tidy - the style guide's teeth: checks the tree against ARCHITECTURE.md's rules, one line a finding.

  tests/tidy/tidy.py [ROOT]           prints file:line: rule: what, exits 1 where there is any
  tests/tidy/tidy.py --all [ROOT]     with those that tests/tidy/known still tolerates
  tests/tidy/tidy.py --known [ROOT]   prints what tests/tidy/known would have to say

tests/tidy/known is the debt that was there when the check came: path, rule, how many. It is there to
shrink. One finding more than a row tolerates, and all of that file and rule are printed.

Each rule is a row of RULES with the section that it enforces. test_tidy.py proves that every one fires.
Comments and strings are blanked before code is looked at, so that neither can break a rule or hide one.
"""
import os
import re
import sys

COLUMNS_MAX = 120
TAB_COLUMNS = 8
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 5
FILE_LINES_MAX = 700
SKIPPED_FOLDERS = {".git", "build", "node_modules", "run", ".cache", "__pycache__"}
TEXT_ENDINGS = (".c", ".h", ".def", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".yml", ".yaml",
                ".js", ".html", ".css", ".conf", ".service", ".map", ".lock", ".toml", ".ini", ".1")
REQUIREMENTS = {"S0": 25, "S1": 18, "S2": 28, "S3": 25, "S4": 42}

RULES = {
  "arrow.base": "common/base includes only itself and libc",
  "arrow.proto": "proto includes only proto and common/base",
  "arrow.common": "common includes neither services nor tools nor tests",
  "arrow.venue-io": "common/venue and common/io do not know each other, nor common/service",
  "arrow.venue-file": "venue files do not include each other",
  "arrow.service": "a service includes no other service",
  "arrow.tools": "services include neither tools nor tests",
  "arrow.strategy": "a strategy includes only strategy.h, proto/event.h and common/base",
  "place.zmq": "zmq and czmq only in bus_zmq, loop, config and key handling",
  "place.hiredis": "hiredis only in cache_redis.c",
  "place.msgpack": "msgpack only in proto/codec*.c",
  "place.tls": "curl and openssl only in ws, http, s3, digest, sign and the venue simulator's server",
  "place.sqlite": "sqlite3.h only in the persister's store",
  "place.getenv": "the environment is read only by config.c",
  "place.clock": "the clock is read only by clock.c",
  "place.orders": "orders reach a venue only through the executor's gateway",
  "place.wire": "of the executor only gateway_io talks to a venue",
  "place.risk-pass": "only risk.c makes a risk pass",
  "call.banned": "a call that the style guide bans",
  "preprocessor.if": "no #if outside common/base and common/io",
  "text.first-line": "line 1 is /* name - what it is, in one sentence",
  "text.columns": "a line is at most %d columns" % COLUMNS_MAX,
  "text.unfinished": "words of unfinished work",
  "text.machine-path": "an absolute path of one machine",
  "text.space": "trailing space, a carriage return, or no newline at the end",
  "size.function": "a function is at most %d lines" % FUNCTION_LINES_MAX,
  "size.parameters": "a function has at most %d parameters besides ret_x and ctx" % PARAMETERS_MAX,
  "size.file": "a file is at most %d lines" % FILE_LINES_MAX,
  "requirements.map": "every requirement has a row, every named test exists",
}

# ---- the text of a C file ----


def blank(text):
  """Newlines stay, so that line numbers do."""
  return re.sub(r"[^\n]", " ", text)


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def without_comments(text):
  return TOKEN.sub(lambda m: blank(m.group()) if m.group()[0] == "/" else m.group(), text)


def without_comments_and_strings(text):
  return TOKEN.sub(lambda m: blank(m.group()) if m.group()[0] == "/" else
                   m.group()[0] + blank(m.group()[1:-1]) + m.group()[-1], text)


def without_preprocessor(code):
  return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: blank(m.group()), code, flags=re.M)


def line_of(text, offset):
  return text.count("\n", 0, offset) + 1


class Source:
  """One file, read once, in the views that the rules look at."""

  def __init__(self, path, text):
    self.path = path
    self.text = text
    self.lines = text.split("\n")
    self.name = os.path.basename(path)
    self.stem, self.ending = os.path.splitext(self.name)
    self.is_c = self.ending in (".c", ".h", ".def")
    self.is_test = path.startswith("tests/")
    if self.is_c:
      self.code = without_comments_and_strings(text)
      self.includes = [(line_of(text, m.start()), m.group(1)) for m in re.finditer(
        r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', without_comments(text), re.M)]


# ---- never-arrows ----


def under(path, *folders):
  return any(path.startswith(folder + "/") for folder in folders)


def own(include):
  """Ours, and not a library's: the first folder tells."""
  return under(include, "common", "proto", "services", "tools", "tests")


def service_of(path):
  return path.split("/")[1] if path.startswith("services/") else None


def arrow_base(s, target):
  return under(s.path, "common/base") and own(target) and not under(target, "common/base")


def arrow_proto(s, target):
  return under(s.path, "proto") and own(target) and not under(target, "proto", "common/base")


def arrow_common(s, target):
  return under(s.path, "common") and under(target, "services", "tools", "tests")


def arrow_venue_io(s, target):
  if under(s.path, "common/venue"):
    return under(target, "common/io", "common/service")
  return under(s.path, "common/io") and under(target, "common/venue", "common/service")


def arrow_venue_file(s, target):
  return (under(s.path, "common/venue/venues") and under(target, "common/venue/venues") and
          os.path.splitext(os.path.basename(target))[0] != s.stem)


def arrow_service(s, target):
  mine, theirs = service_of(s.path), service_of(target)
  return mine is not None and theirs is not None and mine != theirs


def arrow_tools(s, target):
  return under(s.path, "services") and under(target, "tools", "tests")


def arrow_strategy(s, target):
  return (under(s.path, "services/strategy/strategies") and own(target) and
          not under(target, "common/base") and
          target not in ("services/strategy/strategy.h", "proto/event.h"))


ARROWS = {
  "arrow.base": arrow_base, "arrow.proto": arrow_proto, "arrow.common": arrow_common,
  "arrow.venue-io": arrow_venue_io, "arrow.venue-file": arrow_venue_file,
  "arrow.service": arrow_service, "arrow.tools": arrow_tools, "arrow.strategy": arrow_strategy,
}


def check_arrows(s):
  for line, target in s.includes:
    for rule, is_broken in ARROWS.items():
      if is_broken(s, target):
        yield line, rule, "includes " + target


# ---- who may use what ----

# rule: what is looked for, where it may stand. Tests stand aside: they compare with bare libraries.
INCLUDE_PLACES = {
  "place.zmq": (r"^c?zmq(_utils)?\.h$", r"^common/io/(bus_zmq|loop|config|keys?|curve)(_\w+)?\.c$"),
  "place.hiredis": (r"^hiredis/", r"^common/io/cache_redis\.c$"),
  "place.msgpack": (r"^msgpack", r"^proto/codec\w*\.c$"),
  "place.tls": (r"^(curl|openssl)/",
                r"^(common/io/(ws|http|s3|digest|sign)(_\w+)?\.[ch]|tools/venue_sim/\w+\.c)$"),
  "place.sqlite": (r"^sqlite3\.h$", r"^services/persister/store\w*\.c$"),
  "place.orders": (r"^common/venue/(venue_orders|binance_order\w*)\.h$",
                   r"^(services/executor/gateway\w*|common/venue/[\w/]+|tools/venue_sim/\w+)\.[ch]$"),
  "place.wire": (r"^common/io/(http|ws|sign)\.h$",
                 r"^(services/executor/gateway_io\.c|(common|tools|services/(?!executor/))/?.*)$"),
}
CALL_PLACES = {
  "place.getenv": (r"\b(?:secure_)?getenv\s*\(", r"^common/io/config\.c$"),
  "place.clock": (r"\b(?:clock_gettime|gettimeofday|timespec_get|zclock_\w+|zsys_time\w*)\s*\("
                  r"|\btime\s*\(\s*(?:NULL|0|&)|\bclock\s*\(\s*\)", r"^common/io/clock\.c$"),
  "place.risk-pass": (r"\brisk_seal\b", r"^services/executor/risk(_pass)?\.[ch]$"),
}
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "atoi", "atol", "atoll", "atof", "strtok", "gets",
          "system", "sleep", "usleep", "alloca")
BANNED_CALL = re.compile(r"(?<![\w.>])(?:%s)\s*\(" % "|".join(BANNED))


def check_places(s):
  if not s.is_test:
    for rule, (what, where) in INCLUDE_PLACES.items():
      for line, target in s.includes:
        if re.search(what, target) and not re.search(where, s.path):
          yield line, rule, "includes " + target
    for rule, (what, where) in CALL_PLACES.items():
      for m in re.finditer(what, s.code):
        if not re.search(where, s.path):
          yield line_of(s.code, m.start()), rule, m.group().split("(")[0].strip()
  for m in BANNED_CALL.finditer(s.code):
    yield line_of(s.code, m.start()), "call.banned", m.group().split("(")[0].strip()


def check_preprocessor(s):
  """A header's guard is its first directive; X-macros need no #if."""
  if s.is_test or under(s.path, "common/base", "common/io"):
    return
  directives = list(re.finditer(r"^[ \t]*#[ \t]*(\w+)[ \t]*(\w*)", s.code, re.M))
  guard = (len(directives) > 1 and directives[0].group(1) == "ifndef" and
           directives[1].group(1) == "define" and directives[0].group(2) == directives[1].group(2))
  for m in directives[1 if guard else 0:]:
    if m.group(1) in ("if", "ifdef", "ifndef", "elif"):
      yield line_of(s.code, m.start(1)), "preprocessor.if", "#" + m.group(1)


# ---- functions ----

HEAD = re.compile(r"\b(?!if|for|while|switch)(\w+)\s*(\([^;{}]*\))[\s\w()]*$", re.S)


def bodies(code):
  """(offset of the text before a top-level brace, offset of the brace, offset behind its end)"""
  depth, start, opening = 0, 0, 0
  for m in re.finditer(r"[{};]", code):
    if m.group() == "{":
      if depth == 0:
        opening = m.start()
      depth += 1
    elif m.group() == "}":
      depth -= 1
      if depth == 0:
        yield start, opening, m.end()
        start = m.end()
    elif depth == 0:
      start = m.end()


def parameters(text):
  """The first parenthesis' list, split at its own commas."""
  depth, found, begin = 0, [], 1
  for i, c in enumerate(text):
    depth += (c == "(") - (c == ")")
    if depth == 0 or (c == "," and depth == 1):
      found.append(text[begin:i].strip())
      begin = i + 1
    if depth == 0:
      break
  return [] if found in ([""], ["void"]) else found


def inputs(text):
  """What a caller must get right: results (ret_x) and a callback's context do not count."""
  return [p for p in parameters(text) if not re.search(r"\bret(?:_\w+)?(?:\[\w*\])?$|\bctx$", p)]


def strip_attributes(head):
  return re.sub(r"__attribute__\s*\(\(.*?\)\)", lambda m: blank(m.group()), head, flags=re.S)


def check_functions(s):
  if s.ending == ".def" or s.is_test:
    return
  code = without_preprocessor(s.code)
  for start, opening, end in bodies(code):
    head = strip_attributes(code[start:opening])
    m = HEAD.search(head)
    if not m or "=" in head or re.match(r"\s*(typedef\b)", head):
      continue
    first = line_of(code, start + len(head) - len(head.lstrip()))
    length = line_of(code, end) - first + 1
    if length > FUNCTION_LINES_MAX:
      yield first, "size.function", "%s has %d lines" % (m.group(1), length)
    count = len(inputs(m.group(2)))
    if count > PARAMETERS_MAX:
      yield first, "size.parameters", "%s has %d parameters" % (m.group(1), count)


# ---- text of any kind ----

# Put together, so that this file passes.
# The reason phrase of HTTP's 501 has a capital I.
UNFINISHED = re.compile(r"\b(?:%s)\b" % "|".join((
  "TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK", "[Ff]or" " now", "[Pp]lace" "holder",
  "[Nn]ot" " implemented")))
MACHINE_PATH = re.compile(r"(?<![\w.~$}/])/(?:work|home|root|Users|mnt)/\w|(?<![\w.])/t" r"mp/w/")


def check_text(s):
  if s.is_c:
    m = re.match(r"/\* (\S+) - \S", s.text)
    if not m or m.group(1) != s.stem:
      yield 1, "text.first-line", "not /* %s - …" % s.stem
  for i, line in enumerate(s.lines, 1):
    columns = len(line.expandtabs(TAB_COLUMNS))
    if s.is_c and columns > COLUMNS_MAX:
      yield i, "text.columns", "%d columns" % columns
    m = UNFINISHED.search(line)
    if m:
      yield i, "text.unfinished", m.group()
    m = MACHINE_PATH.search(line)
    if m:
      yield i, "text.machine-path", m.group()
    if (line != line.rstrip() and s.ending != ".md") or "\r" in line:
      yield i, "text.space", "space at the end"
  if s.text and not s.text.endswith("\n"):
    yield len(s.lines), "text.space", "no newline at the end"
  if s.is_c and len(s.lines) - 1 > FILE_LINES_MAX:
    yield FILE_LINES_MAX + 1, "size.file", "%d lines" % (len(s.lines) - 1)


# ---- requirements ----


def requirement_ids():
  return ["%s-%d" % (seed, n) for seed, count in REQUIREMENTS.items() for n in range(1, count + 1)]


def test_exists(root, name, scripts):
  """unit.base.json is tests/unit/base/test_json.c, and unit.base.json:test_depth a function there;
  others are a file of their folder, or a name that scripts.cmake registers."""
  name, _, function = name.partition(":")
  folder, _, stem = name.rpartition(".")
  if not folder or not stem:
    return False
  folder = os.path.join(root, "tests", *folder.split("."))
  for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
    path = os.path.join(folder, entry)
    if os.path.splitext(entry)[0] in (stem, "test_" + stem) and os.path.isfile(path):
      return function in read(path)
  return re.search(r"(?<![\w.])%s(?![\w.])" % re.escape(name), scripts) is not None


def check_requirements(root):
  path = os.path.join(root, "tests", "requirements.map")
  seen = set()
  scripts = os.path.join(root, "tests", "scripts.cmake")
  scripts = read(scripts) if os.path.exists(scripts) else ""
  lines = read(path).split("\n") if os.path.exists(path) else []
  for i, line in enumerate(lines, 1):
    if not line or line.startswith("#"):
      continue
    cells = line.split("\t")
    if len(cells) < 2 or cells[0] in seen or cells[0] not in requirement_ids():
      yield i, "requirements.map", "not a row, or not a new id: " + cells[0]
      continue
    seen.add(cells[0])
    if cells[1] == "planned" or re.match(r"not applicable: \S", cells[1]):
      continue
    for name in cells[1].split(","):
      if not test_exists(root, name.strip(), scripts):
        yield i, "requirements.map", "no such test: " + name.strip()
  for missing in requirement_ids():
    if missing not in seen:
      yield len(lines) or 1, "requirements.map", "no row for " + missing


# ---- the tree ----


def read(path):
  with open(path, encoding="utf-8", errors="replace", newline="") as f:
    return f.read()


def is_text(path):
  return path.endswith(TEXT_ENDINGS) or "." not in os.path.basename(path)


def tree(root):
  for folder, folders, files in os.walk(root):
    folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
    for name in sorted(files):
      path = os.path.relpath(os.path.join(folder, name), root)
      if under(path, "tests/fuzz/corpus") or not is_text(path) or os.path.islink(
          os.path.join(folder, name)):
        continue
      yield path


def check_file(path, text):
  s = Source(path, text)
  yield from check_text(s)
  if s.is_c:
    yield from check_arrows(s)
    yield from check_places(s)
    yield from check_preprocessor(s)
    yield from check_functions(s)


def check_tree(root):
  for path in tree(root):
    for line, rule, what in check_file(path, read(os.path.join(root, path))):
      yield path, line, rule, what
  for line, rule, what in check_requirements(root):
    yield "tests/requirements.map", line, rule, what


def count_by_row(found):
  counts = {}
  for path, _, rule, _ in found:
    counts[path, rule] = counts.get((path, rule), 0) + 1
  return counts


def read_known(root):
  path = os.path.join(root, "tests", "tidy", "known")
  rows = [line.split("\t") for line in read(path).split("\n")] if os.path.exists(path) else []
  return {(row[0], row[1]): int(row[2]) for row in rows if len(row) == 3 and row[0][0] != "#"}


def not_tolerated(found, known):
  counts = count_by_row(found)
  return [f for f in found if counts[f[0], f[2]] > known.get((f[0], f[2]), 0)]


def main(argv):
  options = [a for a in argv[1:] if a.startswith("--")]
  roots = [a for a in argv[1:] if not a.startswith("--")]
  root = roots[0] if roots else "."
  found = list(check_tree(root))
  if "--known" in options:
    for (path, rule), count in sorted(count_by_row(found).items()):
      print("%s\t%s\t%d" % (path, rule, count))
    return 0
  shown = found if "--all" in options else not_tolerated(found, read_known(root))
  for path, line, rule, what in shown:
    print("%s:%d: %s: %s (%s)" % (path, line, rule, what, RULES[rule]))
  if len(found) > len(shown):
    print("%d older findings are tolerated by tests/tidy/known" % (len(found) - len(shown)))
  return 1 if shown else 0


if __name__ == "__main__":
  sys.exit(main(sys.argv))
