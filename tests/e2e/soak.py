"""soak - memory by the message: samples on the way, and what they say about growth.

The bound is that of a day: less than 1 MiB more after 50,000 messages a minute for 24 hours, for each process. Judged
is what belongs to no file (usage.py). The first messages are warm-up: books fill to their bounds, rings come round.
"""
import math
import statistics

from stack import wait_for
from usage import usage

DAY = 50000 * 60 * 24
DAY_KIB = 1024  # a process may have grown by, after a day
KIB_A_MILLION = DAY_KIB * 1e6 / DAY  # 14.2: of a day's messages
SYMBOLS = ["S%02dUSDT" % i for i in range(20)]
RATE = "21"  # of each of the twenty: 50,000 messages a minute of the market's time, whatever time that takes here


def market(symbols):
    return ["--symbols", ",".join(symbols), "--start", str(10**9), "--seed", "1", "--rate", RATE, "--duration", "10000000"]


def theil_sen(samples):
    """(slope, low, high) of (x, y) samples: the median of the slopes between all pairs, and the 95 % interval about it
    (Sen 1968, by the normal approximation of Kendall's S)."""
    n = len(samples)
    slopes = sorted((b[1] - a[1]) / (b[0] - a[0]) for k, a in enumerate(samples) for b in samples[k + 1:] if b[0] > a[0])
    if not slopes:
        return 0.0, -math.inf, math.inf
    c = 1.96 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low, high = int((len(slopes) - c) / 2), int(math.ceil((len(slopes) + c) / 2))
    return statistics.median(slopes), slopes[max(low, 0)], slopes[min(high, len(slopes) - 1)]


def check():
    """The estimator on what it is for: a leak under noise is found to a tenth, a burst is none, level memory is level."""
    noise = [(k * 7919 % 101 - 50) * 4096 for k in range(200)]
    slope, low, high = theil_sen([(k * 1e4, 10e6 + k * 1e4 + noise[k]) for k in range(200)])
    assert 0.9 < low < slope < high < 1.1, (low, slope, high)
    slope, low, high = theil_sen([(k * 1e4, 10e6 + noise[k]) for k in range(200)])
    assert low < 0 < high and high * 1e6 / 1024 < 64, (low, slope, high)
    slope, low, high = theil_sen([(k * 1e4, 10e6 + (4e6 if k in range(90, 110) else 0)) for k in range(200)])
    assert slope == low == high == 0, (low, slope, high)


def messages(s):
    s.check_alive()
    return (s.status("collector", 10) or {}).get("collector_frames_total", 0)


def beyond(n, goal):
    return n if n > 0 and n >= goal else None


def watch(s, names, count, n, limit):
    """n + 1 samples over so many messages from now on: {name: [(messages, bytes of its own)]}."""
    seen, first = {name: [] for name in names}, messages(s)
    for k in range(n + 1):
        at = wait_for(lambda: beyond(messages(s), first + count * k // n), limit, "%d messages" % count)
        for name in names:
            seen[name].append((at, usage(s.processes[name].pid)["anon"]))
    return seen


def slopes(seen):
    """{name: (slope, low, high)} in KiB a million messages."""
    return {name: tuple(v * 1e6 / 1024 for v in theil_sen(samples)) for name, samples in seen.items()}


def line(name, seen, found):
    first, last = seen[name][0], seen[name][-1]
    return "%-9s %6.0f -> %6.0f KiB of its own in %.2f million messages: %+.1f KiB a million, 95 %% of %+.1f..%+.1f" % (
        (name, first[1] / 1024, last[1] / 1024, (last[0] - first[0]) / 1e6) + found[name])
