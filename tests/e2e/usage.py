"""usage - what processes hold, from /proc: their own memory, files they map, threads, descriptors."""
import os
import re

MIB = 1 << 20


def usage(pid):
    """anon: bytes that belong to no file, shared memory among them; file: pages of mapped files, others may map them too."""
    with open("/proc/%d/status" % pid) as f:
        text = f.read()
    value = {k: int(re.search(r"^%s:\s+(\d+)" % k, text, re.M).group(1)) for k in ("RssAnon", "RssFile", "RssShmem", "Threads")}
    return {"anon": (value["RssAnon"] + value["RssShmem"]) << 10, "file": value["RssFile"] << 10, "threads": value["Threads"],
            "fds": len(os.listdir("/proc/%d/fd" % pid))}


def mapped(pid):
    """Resident bytes of each mapped file."""
    found, name = {}, ""
    with open("/proc/%d/smaps" % pid) as f:
        for line in f:
            head = re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ (\d+)\s*(.*)$", line)
            if head:
                name = head.group(2) if head.group(1) != "0" else ""
            elif name and line.startswith(("Rss:", "Anonymous:")):
                n = int(line.split()[1]) << 10
                found[name] = found.get(name, 0) + (n if line.startswith("Rss:") else -n)
    return found


def stack_resident(pids):
    """What the processes hold together: everybody's own memory, and of each file the most that one of them has resident."""
    files = {}
    for pid in pids:
        for name, n in mapped(pid).items():
            files[name] = max(files.get(name, 0), n)
    return sum(usage(pid)["anon"] for pid in pids) + sum(files.values())
