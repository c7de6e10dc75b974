"""Nothing that makes market data up is in what trades: symbols and texts of the binaries, compared with the simulator's own."""
import glob
import os
import re
import shutil
import subprocess

from stack import BIN, SOURCE, skip

SERVICES = ("collector", "strategy", "executor", "persister", "watchdog")
TELLTALE = re.compile(r"mock|synthetic|fake|dummy|random_(price|trade|walk)|simulat(e|or)_", re.I)
# The compiler's own; the header by which the collector knows a simulator.
HARMLESS = {"frame_dummy", "simulator_header"}


def symbols(path):
    out = subprocess.run(["nm", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1].split(".")[0] for line in out.splitlines() if line.strip()}
    return {n for n in names if not n.startswith(("_", "asan", "__"))}


def own_functions(folder):
    """Names that only the simulator's sources define: functions at the start of a line, static ones without theirs."""
    names = set()
    for path in glob.glob(os.path.join(SOURCE, folder, "*.c")):
        with open(path, encoding="utf-8") as f:
            names |= set(re.findall(r"^(?!static|#|\s)[\w\s*]*?\b(\w+)\([^;]*$", f.read(), re.M))
    return names - {"main"}


def main():
    if not shutil.which("nm"):
        skip("no nm")
    simulator = symbols(os.path.join(BIN, "venue_sim"))
    wanted = own_functions(os.path.join("tools", "venue_sim")) & simulator
    assert len(wanted) > 60, "only %d functions of the simulator found" % len(wanted)
    for service in SERVICES:
        mine = symbols(os.path.join(BIN, "nightjar-" + service))
        assert "runtime_main" in mine, "%s: stripped: nothing can be said" % service
        assert not wanted & mine, "%s holds the simulator's %s" % (service, sorted(wanted & mine))
        told = sorted(n for n in mine - HARMLESS if TELLTALE.search(n))
        assert not told, "%s holds %s" % (service, told)
        # Market data comes in by the collector alone; a live account's orders go out by the executor's gateway.
        if service not in ("collector", "executor"):
            assert "ws_open" not in mine and "http_open" not in mine, "%s can reach a venue" % service
        assert ("gateway_io_open" in mine) == (service == "executor"), "%s and the way orders go" % service
    print("%d functions of the simulator are in none of %d services" % (len(wanted), len(SERVICES)))
    print("ok")


main()
