"""test_compose - the stack in containers: healthy, trading, every service restarted under load, nothing lost or doubled.

With the argument tcp the services talk over tcp with keys (deploy/compose.tcp.yml) instead of sockets on a volume.
Run by .ci/run, not by ctest: it takes minutes and needs a Docker engine. Where there is none, the tool
docker-offline makes one (NJ_DOCKER_OFFLINE, or ../shared/tools beside the project); where that is absent
too, the test is skipped. What it starts, it ends: containers, volumes, and an engine of its own.
"""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

try:
    import yaml  # comes with docker-compose 1
except ImportError:
    yaml = None

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ.setdefault("NJ_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from stack import Ask  # noqa: E402

SOURCE = os.environ["NJ_SOURCE"]
PROJECT = "njtest%d" % os.getpid()
TCP = sys.argv[1:] == ["tcp"]
FILES = ["-f", "docker-compose.yml", "-f", "deploy/compose.tcp.yml"] if TCP else []
SERVICES = ("persister", "executor", "strategy", "collector", "watchdog")
ALL = SERVICES + ("redis", "venue_sim")
PUBLISHERS = ("collector", "strategy", "executor", "persister", "watchdog")
results = {"pass": 0, "fail": 0}


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def run(*command, **kw):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, cwd=SOURCE, **kw)


def check(name, ok, detail=""):
    results["pass" if ok else "fail"] += 1
    print("ci-%s: %s%s" % ("pass" if ok else "fail", name, "" if ok or not detail else ": " + str(detail)), flush=True)
    return ok


def compose(*arguments, timeout=900):
    base = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    return run(*base, *FILES, "--env-file", "deploy/demo.env", "-p", PROJECT, "--profile", "demo", *arguments,
               timeout=timeout, env=dict(os.environ, COMPOSE_PROJECT_NAME=PROJECT, DOCKER_BUILDKIT="0",
                                         COMPOSE_DOCKER_CLI_BUILD="0"))


def engine():
    """A Docker engine with the base image. Returns the pid of dockerd where this test started it."""
    image = "debian:bookworm-slim"
    up = bool(shutil.which("docker")) and run("docker", "info").returncode == 0
    composed = bool(shutil.which("docker-compose")) or (up and run("docker", "compose", "version").returncode == 0)
    if up and composed and run("docker", "image", "inspect", image).returncode == 0:
        return None
    tool = os.environ.get("NJ_DOCKER_OFFLINE") or os.path.join(SOURCE, "..", "shared", "tools", "docker-offline")
    if not os.access(tool, os.R_OK) or os.geteuid() != 0:
        skip("no Docker engine with %s, and no docker-offline to make one" % image)
    made = run("bash", tool, timeout=900)
    if made.returncode != 0:  # an engine before this one may not have ended yet
        time.sleep(15)
        made = run("bash", tool, timeout=900)
    if made.returncode != 0:
        print(made.stdout[-2000:])
        skip("docker-offline made no engine here")
    try:
        with open("/var/run/docker.pid") as f:
            return None if up else int(f.read())
    except (OSError, ValueError):
        return None


def container(service):
    return compose("ps", "-q", service).stdout.strip().splitlines()[-1]


def health(service):
    out = run("docker", "inspect", "-f", "{{.State.Health.Status}} {{.State.Status}}", container(service)).stdout
    return out.split()[0] if out.split() else "gone"


def until(seconds, probe):
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.5)


def all_healthy():
    return all(health(s) == "healthy" for s in ALL)


def volume(name):
    out = run("docker", "volume", "inspect", "%s_%s" % (PROJECT, name)).stdout
    return json.loads(out)[0]["Mountpoint"]


def database(sql, *arguments):
    path = os.path.join(volume("persister"), "persister", "nightjar.db")
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=10)
    try:
        return db.execute(sql, arguments).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        db.close()


def fills():
    rows = database("SELECT count(*) FROM fills")
    return rows[0][0] if rows else 0


def journal_last(service):
    if TCP:
        # Remarks for people come by standard error, which is in here, too.
        out = compose("exec", "-T", "watchdog", "nj", "status", service, "--json").stdout
        try:
            return json.JSONDecoder().raw_decode(out[out.index("["):])[0][0]["values"]["x_last"]
        except (ValueError, KeyError, IndexError):
            return None
    try:
        return Ask(os.path.join(volume("bus"), service + ".rep"), 3).ask("status").get("x_last")
    except (OSError, ValueError, KeyError):
        return None


def stored_last():
    return {p: last for p, last in database("SELECT publisher, max(seq) FROM xlog GROUP BY 1")}


def caught_up():
    # More may come between the two: what the journals had when they were asked is what must be stored.
    lasts = {p: journal_last(p) for p in PUBLISHERS}
    stored = stored_last()
    return all(lasts[p] is not None and lasts[p] <= stored.get(p, 0) for p in PUBLISHERS) and (lasts, stored)


def lanes_whole(when):
    rows = database("SELECT publisher, epoch, count(*), min(seq), max(seq) FROM xlog GROUP BY 1, 2")
    bad = [r for r in rows if r[3] != 1 or r[2] != r[4]]
    check("lane X whole " + when, rows and not bad, bad or "no rows")
    epochs = {}
    for r in rows:
        epochs.setdefault(r[0], []).append(r[1])
    several = {p: e for p, e in epochs.items() if len(e) > 1}
    check("one epoch a publisher " + when, not several, several)


def limits(host):
    """What docker-compose.yml limits, as (what, whether it holds). Engines spell an absent list as null."""
    files = [(u.get("Soft"), u.get("Hard")) for u in host.get("Ulimits") or [] if u.get("Name") == "nofile"]
    log = host.get("LogConfig") or {}
    options = {k: str(v) for k, v in (log.get("Config") or {}).items()}
    return (("pids", host.get("PidsLimit") == 64), ("memory", (host.get("Memory") or 0) > 0),
            ("nofile", files == [(4096, 4096)]), ("log driver", log.get("Type") == "json-file"),
            ("log size", options.get("max-size") == "10m"), ("log files", options.get("max-file") == "5"))


def hardened(service):
    out = run("docker", "inspect", container(service)).stdout
    c = json.loads(out)[0]
    host = c["HostConfig"]
    ok = (c["Config"]["User"] == "10001:10001" and host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and
          host["RestartPolicy"]["Name"] == "unless-stopped")
    check("%s is confined" % service, ok, host)
    missed = [what for what, holds in limits(host) if not holds]
    check("%s is limited" % service, not missed, (missed, host))


def restart_each():
    for service in SERVICES:
        before = fills()
        out = compose("restart", "-t", "20", service)
        check("%s restarts" % service, out.returncode == 0, out.stdout[-500:])
        check("%s healthy again" % service, until(60, lambda s=service: health(s) == "healthy"), health(service))
        check("trading after %s" % service, until(90, lambda n=before: fills() > n), "fills stay at %d" % before)


def judge_records():
    compose("stop", "-t", "20", "venue_sim")
    settled = until(60, caught_up)
    check("database has what the journals have", settled, [(p, journal_last(p)) for p in PUBLISHERS] + [stored_last()])
    lanes_whole("after the restarts")
    n, ids, last = database("SELECT count(*), count(DISTINCT fill_id), max(fill_id) FROM fills")[0]
    check("fills are numbered without a hole", n == ids == last, (n, ids, last))
    gaps = database("SELECT cause, count(*) FROM gaps WHERE source = 'collector' GROUP BY 1")
    check("the collector's absence is on record", gaps, gaps)


def sealed():
    """Nothing is served on the shared volume, and each container has its own secret only."""
    sockets = [f for f in os.listdir(volume("bus")) if f.endswith((".m", ".x", ".rep"))]
    check("no socket on the volume", not sockets, sockets)
    for service in SERVICES:
        want = {service + ".secret"} | ({"operator.secret"} if service == "watchdog" else set())
        have = {f for f in os.listdir(volume("keys-" + service)) if f.endswith(".secret")}
        check("%s has the secrets it needs" % service, have == want, have)


def shards():
    """The second collector of deploy/compose.shards.yml is the first one in everything but its name and its volume."""
    found = run("docker-compose", "-f", "docker-compose.yml", "-f", "deploy/compose.shards.yml", "config")
    if not check("shards", found.returncode == 0, found.stdout[-1000:]):
        return
    services = yaml.safe_load(found.stdout)["services"]
    one, two = services["collector"], services["collector-2"]
    check("shards have names", (one["command"], two["command"]) == (["--name", "collector-1"], ["--name", "collector-2"]))
    check("shards have volumes", [v.replace("collector-2:", "collector:") for v in two["volumes"]] == one["volumes"]
          and "collector-2:/data:rw" in two["volumes"], two["volumes"])
    check("shards have health checks", "collector-2" in two["healthcheck"]["test"], two["healthcheck"])
    own = ("command", "volumes", "healthcheck")
    check("shards agree", {k: v for k, v in one.items() if k not in own} == {k: v for k, v in two.items() if k not in own})


def scenario():
    if yaml and shutil.which("docker-compose"):
        shards()
    up = compose("up", "-d", "--build", timeout=1500)
    if not check("up", up.returncode == 0, up.stdout[-3000:]):
        return
    check("all healthy", until(120, all_healthy), {s: health(s) for s in ALL})
    for service in SERVICES:
        hardened(service)
    if TCP:
        sealed()
    if not check("fills appear", until(120, fills), compose("logs", "--tail", "20").stdout[-6000:]):
        return
    lanes_whole("at first")
    restart_each()
    judge_records()
    report = compose("exec", "-T", "persister", "nj", "report", "--live", "0s")
    check("nj report in a container", report.returncode == 0 and "SIMULATED" in report.stdout, report.stdout)


def main():
    started = engine()
    try:
        scenario()
        if results["fail"]:
            print(compose("logs", "--tail", "60").stdout[-20000:])
    finally:
        down = compose("down", "-v", "-t", "20", "--remove-orphans")
        check("down", down.returncode == 0, down.stdout[-1000:])
        if started:
            os.kill(started, signal.SIGTERM)
    print("%d passed, %d failed" % (results["pass"], results["fail"]))
    return 1 if results["fail"] else 0


if __name__ == "__main__":
    sys.exit(main())
