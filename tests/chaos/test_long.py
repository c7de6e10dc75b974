"""NJ_LONG gives every test the time that its long count takes, and what has one is named in CONTRIBUTING.md."""
import json
import os
import re
import subprocess
import sys

LONG_S = 4 * 3600
READS_IT = {".py": re.compile(r"\bLONG\b"), ".c": re.compile(r'getenv\("NJ_LONG"\)')}


def time_limits(build, long):
    argv = ["ctest", "--test-dir", build, "--show-only=json-v1"]
    out = subprocess.run(argv, stdout=subprocess.PIPE, check=True, env=dict(os.environ, NJ_LONG=long)).stdout
    return {t["name"]: p["value"] for t in json.loads(out)["tests"] for p in t["properties"] if p["name"] == "TIMEOUT"}


def with_a_long_count():
    """Last parts of the names of tests whose file asks for NJ_LONG."""
    for folder, _, files in os.walk("tests"):
        for name in files:
            if not re.match(r"test_\w+\.(py|c)$", name) or folder.endswith("tidy") or name == os.path.basename(__file__):
                continue
            with open(os.path.join(folder, name)) as f:
                if READS_IT[os.path.splitext(name)[1]].search(f.read()):
                    yield name.split(".")[0].replace("test_", "")


def main():
    usual, long = time_limits(sys.argv[1], ""), time_limits(sys.argv[1], "1")
    assert len(usual) > 100 and usual.keys() == long.keys()
    short = [name for name in long if long[name] < LONG_S]
    assert not short, "too little time for their long counts: %s" % short
    assert usual["chaos.bus_storm"] < LONG_S
    with open("CONTRIBUTING.md") as f:
        told = re.findall(r"^\| `([\w.]+)` \|.*\| about [^|]+\|$", f.read(), re.M)
    assert told and not set(told) - set(usual), set(told) - set(usual)
    asking = list(with_a_long_count())
    assert len(asking) >= 8, asking
    for name in asking:
        assert any(re.search(r"\.%s(_|$)" % name, t) for t in told), "CONTRIBUTING.md does not name the long count of " + name
    print("%d long counts, all told of" % len(told))


main()
