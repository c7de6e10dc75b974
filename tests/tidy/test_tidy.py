#!/usr/bin/env python3
"""test_tidy - every rule of tidy.py fires on a bad snippet, at its line, and stays silent on a good one."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy  # noqa: E402

TO_DO = "TO" "DO"
MACHINE = "/wo" "rk/main"


def first(path):
  return "/* %s - what it is. */\n" % os.path.splitext(os.path.basename(path))[0]


def include(target):
  return '#include "%s"\n' % target


def function(name, lines, parameters="void"):
  return "int %s(%s)\n{\n%s}\n" % (name, parameters, "\tstep();\n" * (lines - 3))


# rule, file, its text behind line 1, the line where the rule must fire
BAD = [
  ("arrow.base", "common/base/buf.c", include("proto/event.h"), 2),
  ("arrow.base", "common/base/buf.c", include("common/io/log.h"), 2),
  ("arrow.proto", "proto/topic.c", include("common/venue/book.h"), 2),
  ("arrow.proto", "proto/topic.h", "\n\n#  include \"common/io/log.h\"\n", 4),
  ("arrow.common", "common/service/runtime.c", include("services/executor/core.h"), 2),
  ("arrow.common", "common/io/loop.c", include("tools/nj/nj.h"), 2),
  ("arrow.proto", "proto/print.c", include("services/executor/core.h"), 2),
  ("arrow.common", "common/service/runtime.c", include("tests/fuzz/json_walk.h"), 2),
  ("arrow.venue-io", "common/venue/book.c", include("common/io/log.h"), 2),
  ("arrow.venue-io", "common/venue/venues/kalshi.c", include("common/service/core.h"), 2),
  ("arrow.venue-io", "common/io/ws.c", include("common/venue/venue.h"), 2),
  ("arrow.venue-io", "common/io/ws.c", include("common/service/runtime.h"), 2),
  ("arrow.venue-file", "common/venue/venues/bybit.c", include("common/venue/venues/kalshi.h"), 2),
  ("arrow.service", "services/strategy/main.c", include("services/executor/core.h"), 2),
  ("arrow.tools", "services/strategy/main.c", include("tools/venue_sim/sim.h"), 2),
  ("arrow.tools", "services/strategy/main.c", include("tests/fuzz/json_walk.h"), 2),
  ("arrow.strategy", "services/strategy/strategies/ema.c", include("proto/codec.h"), 2),
  ("arrow.strategy", "services/strategy/strategies/ema.c",
   include("services/strategy/strategies/rsi.h"), 2),
  ("place.zmq", "services/watchdog/main.c", "#include <zmq.h>\n", 2),
  ("place.zmq", "common/io/log.c", "#include <czmq.h>\n", 2),
  ("place.hiredis", "services/watchdog/main.c", "#include <hiredis/hiredis.h>\n", 2),
  ("place.msgpack", "proto/print.c", "#include <msgpack.h>\n", 2),
  ("place.tls", "common/io/log.c", "#include <curl/curl.h>\n", 2),
  ("place.tls", "common/venue/sign.c", "#include <openssl/hmac.h>\n", 2),
  ("place.sqlite", "services/watchdog/main.c", "#include <sqlite3.h>\n", 2),
  ("place.getenv", "common/io/log.c", "char *home(void)\n{\n\treturn getenv(\"HOME\");\n}\n", 4),
  ("place.clock", "services/watchdog/main.c", "void f(void)\n{\n\tclock_gettime(0, &t);\n}\n", 4),
  ("place.orders", "services/executor/main.c", "#include \"common/venue/venue_orders.h\"\n", 2),
  ("place.orders", "services/strategy/main.c", "#include \"common/venue/venue_orders.h\"\n", 2),
  ("place.wire", "services/executor/main.c", "#include \"common/io/http.h\"\n", 2),
  ("place.risk-pass", "services/executor/gateway.c", "void f(void)\n{\n\tp.risk_seal = 1;\n}\n", 4),
  ("place.clock", "services/watchdog/main.c", "void f(void)\n{\n\tnow = time(NULL);\n}\n", 4),
  ("preprocessor.if", "services/watchdog/main.c", "#ifdef __linux__\n#endif\n", 2),
  ("preprocessor.if", "proto/event.h",
   "#ifndef NJ_EVENT_H\n#define NJ_EVENT_H\n#if 1\n#endif\n#endif\n", 4),
  ("text.columns", "proto/topic.c", "\n/* " + "x" * 115 + " */\n", 3),
  ("text.columns", "proto/topic.c", "\t" * 15 + "x;\n", 2),
  ("text.unfinished", "proto/topic.c", "/* " + TO_DO + ": more */\n", 2),
  ("text.unfinished", "docs/guide.md", "one\nnot" " implemented\n", 3),
  ("text.unfinished", "proto/topic.c", "/* good enough for" " now */\n", 2),
  ("text.machine-path", "deploy/run.sh", "\ncd " + MACHINE + "\n", 3),
  ("text.machine-path", "proto/topic.c", "/* see /t" "mp/w/x */\n", 2),
  ("text.space", "proto/topic.c", "int x; \n", 2),
  ("text.space", "proto/topic.c", "int x;\r\n", 2),
  ("text.space", "proto/topic.c", "int x;", 2),
  ("size.function", "proto/topic.c", function("f", 61), 2),
  ("size.function", "proto/topic.c", function("f", 10) + "\nstatic " + function("g", 61), 13),
  ("size.parameters", "proto/topic.c",
   function("f", 5, "int a, int b, int c, int d, int e, int f"), 2),
  ("size.parameters", "proto/topic.c",
   function("f", 5, "void (*a)(int, int), int b,\n\tint c, int d, int e, int f"), 2),
  ("size.file", "proto/topic.c", "int x;\n" * 700, 701),
]
BAD += [("call.banned", "proto/topic.c", "void f(void)\n{\n\t%s(a, b);\n}\n" % call, 4)
        for call in tidy.BANNED]

GOOD = [
  ("common/base/json.c", include("common/base/json.h") + "#include <string.h>\n#ifdef __SSE2__\n#endif\n"),
  ("common/io/loop.c", "#include <czmq.h>\n#if defined(X)\n#endif\n"),
  ("common/io/config.c", "char *f(void)\n{\n\treturn getenv(\"NJ\");\n}\n"),
  ("common/io/clock.c", "void f(void)\n{\n\tclock_gettime(0, &t);\n}\n"),
  ("proto/codec.c", "#include <msgpack.h>\n"),
  ("proto/event.h", "#ifndef NJ_EVENT_H\n#define NJ_EVENT_H\n#define X(a) a,\n#undef X\n#endif\n"),
  ("common/venue/venues/bybit.c", include("common/venue/venues/bybit.h") +
   include("common/venue/venue.h")),
  ("services/strategy/strategies/ema.c", include("services/strategy/strategy.h") +
   include("proto/event.h") + include("common/base/fixed.h")),
  ("services/strategy/main.c", include("services/strategy/core.h") +
   include("common/service/runtime.h")),
  ("services/persister/store.c", "#include <sqlite3.h>\n"),
  ("tests/unit/io/test_ws.c", "#include <openssl/ssl.h>\nint f(void)\n{\n\treturn !getenv(\"X\");\n}\n"),
  # neither comments nor strings break rules, and names that hold a banned one are not it
  ("proto/topic.c", "/* strcpy(a, b) */\nchar *a = \"sprintf(\"; // system(x)\n"),
  ("proto/topic.c", "void f(void)\n{\n\tmy_sleep(1);\n\to->system(1);\n\tsnprintf(a, 1, b);\n}\n"),
  ("proto/topic.c", "char q = '\"'; /* \" */ char r = '\\'';\nint x;\n"),
  ("proto/topic.c", "void (*now)(struct clock *c);\nint64_t time(struct clock *c);\n"),
  ("proto/topic.c", function("f", 60)),
  ("proto/topic.c", "/* " + "x" * 94 + " */\n" + "\t" * 12 + "ab;\n"),
  ("proto/topic.c", function("f", 5, "int a, int b, int c, int d, int e, void *ctx, int *ret_f")),
  ("proto/topic.c", "static const int table[] = {\n" + "\t1,\n" * 100 + "};\n"),
  ("proto/topic.c", "#define LONG(a, b, c, d, e, f, g, h) { \\\n" + "\ta; \\\n" * 70 + "}\n"),
  ("proto/topic.c", "struct s {\n" + "\tint a;\n" * 100 + "};\n"),
  ("tests/unit/proto/test_topic.c", function("f", 100)),
  ("deploy/run.sh", "mkstemp /t" "mp/nj.XXXXXX; ls /v" "ar/lib/nightjar ./wo" "rk/x ~/ho" "me/y\n"),
  ("tools/venue_sim/reply.c", "char *reason = \"501 Not" " Implemented\";\n"),
  ("docs/guide.md", "two spaces at the end of a line  \nbreak it\n"),
]


def findings(path, text):
  return [(line, rule) for line, rule, _ in tidy.check_file(path, text)]


class Rules(unittest.TestCase):
  def test_every_bad_snippet_is_found_where_it_is(self):
    for rule, path, text, line in BAD:
      with self.subTest(rule=rule, path=path):
        self.assertIn((line, rule), findings(path, first(path) + text))

  def test_bad_snippets_break_no_other_rule(self):
    for rule, path, text, _ in BAD:
      with self.subTest(rule=rule, path=path):
        self.assertEqual({r for _, r in findings(path, first(path) + text)} - {rule}, set())

  def test_good_snippets_are_silent(self):
    for path, text in GOOD:
      with self.subTest(path=path, text=text[:40]):
        self.assertEqual(findings(path, first(path) + text), [])

  def test_first_line(self):
    for text in ("", "int x;\n", "/* other - what it is. */\n", "/* topic */\n", "\n/* topic - x */\n",
                 "// topic - x\n"):
      with self.subTest(text=text):
        self.assertIn((1, "text.first-line"), findings("proto/topic.h", text))
    self.assertEqual(findings("proto/topic.def", "/* topic - rows\n * of many lines. */\n"), [])

  def test_every_rule_is_proved(self):
    proved = {rule for rule, _, _, _ in BAD} | {"text.first-line", "requirements.map"}
    self.assertEqual(proved, set(tidy.RULES))


class Requirements(unittest.TestCase):
  def setUp(self):
    self.folder = tempfile.TemporaryDirectory()
    self.root = self.folder.name
    self.write("tests/unit/base/test_json.c", "static void test_depth(void **state)\n")
    self.write("tests/golden/test_binance_spot.c", "x\n")
    self.write("tests/e2e/outage.sh", "x\n")
    self.write("tests/scripts.cmake", "add_test(NAME chaos.kill COMMAND x)\n")

  def tearDown(self):
    self.folder.cleanup()

  def write(self, path, text):
    path = os.path.join(self.root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
      f.write(text)

  def check(self, change):
    """The findings where each id is planned but those that `change` says otherwise of."""
    rows = ["%s\t%s\twhat" % (i, change.get(i, "planned")) for i in tidy.requirement_ids()
            if change.get(i) != "missing"]
    self.write("tests/requirements.map", "# comment\n" + "\n".join(rows + change.get("more", [])) + "\n")
    return [(line, what) for line, _, what in tidy.check_requirements(self.root)]

  def test_there_are_138(self):
    self.assertEqual(len(tidy.requirement_ids()), 138)
    self.assertEqual(len(set(tidy.requirement_ids())), 138)

  def test_planned_and_not_applicable(self):
    self.assertEqual(self.check({"S0-2": "not applicable: no REST-only mode"}), [])
    self.assertEqual(self.check({"S0-2": "not applicable"}), [(3, "no such test: not applicable")])
    self.assertEqual(self.check({"S0-2": "not applicable: "}), [(3, "no such test: not applicable:")])

  def test_tests_that_exist(self):
    for name in ("unit.base.json", "golden.binance_spot", "e2e.outage", "chaos.kill",
                 "unit.base.json:test_depth", "unit.base.json, e2e.outage"):
      with self.subTest(name=name):
        self.assertEqual(self.check({"S0-1": name}), [])

  def test_tests_that_do_not(self):
    for name in ("unit.base.yson", "golden.kalshi", "e2e.out", "chaos.kil", "unit.base", "x", "json",
                 "unit.base.json:test_width"):
      with self.subTest(name=name):
        self.assertEqual(self.check({"S0-1": name}), [(2, "no such test: " + name)])
    self.assertEqual(self.check({"S0-1": "unit.base.json, e2e.x"}), [(2, "no such test: e2e.x")])

  def test_ids(self):
    self.assertEqual(self.check({"S4-42": "missing"})[0][1], "no row for S4-42")
    for row in ("S0-26\tplanned", "S0-1\tplanned", "S5-1\tplanned", "nonsense", "S0-1"):
      with self.subTest(row=row):
        (line, what), = self.check({"more": [row]})
        self.assertEqual(line, 140)
        self.assertIn("not a row", what)

  def test_no_map_at_all(self):
    self.assertEqual(len(list(tidy.check_requirements(self.root))), 138)


class Tree(unittest.TestCase):
  def test_known_findings_are_tolerated_up_to_their_number(self):
    found = [("a.c", 1, "text.columns", ""), ("a.c", 9, "text.columns", ""), ("a.c", 2, "arrow.base", "")]
    known = {("a.c", "text.columns"): 2, ("b.c", "arrow.base"): 7}
    self.assertEqual(tidy.not_tolerated(found, known), [found[2]])
    self.assertEqual(tidy.not_tolerated(found[:1], known), [])
    known["a.c", "text.columns"] = 1
    self.assertEqual(tidy.not_tolerated(found, known), found)
    self.assertEqual(tidy.not_tolerated(found, {}), found)

  def test_known_is_read(self):
    with tempfile.TemporaryDirectory() as root:
      self.assertEqual(tidy.read_known(root), {})
      os.makedirs(os.path.join(root, "tests", "tidy"))
      with open(os.path.join(root, "tests", "tidy", "known"), "w", encoding="utf-8") as f:
        f.write("# about\n#\ta\t1\n\na.c\ttext.columns\t12\n")
      self.assertEqual(tidy.read_known(root), {("a.c", "text.columns"): 12})

  def test_walk_and_exit_code(self):
    with tempfile.TemporaryDirectory() as root:
      for path in ("common/base/a.c", "build/x.c", ".git/y.c", "tests/fuzz/corpus/json/z.c"):
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as f:
          f.write("strcpy(a, b);\n")
      found = {path for path, _, _, _ in tidy.check_tree(root)}
      self.assertEqual(found, {"common/base/a.c", "tests/requirements.map"})


if __name__ == "__main__":
  unittest.main()
