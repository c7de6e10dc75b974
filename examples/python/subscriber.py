#!/usr/bin/env python3
"""subscriber - prints the trades of a running stack, and counts what it got.

    nj schema --json >schema.json
    python3 subscriber.py --bus run/bus --schema schema.json --count 20
"""
import argparse
import sys

from nightjar import Follower, Schema, number


def main():
    args = argparse.ArgumentParser(description="Prints the trades of a running stack.")
    args.add_argument("--bus", required=True, help="setting bus.dir of the stack")
    args.add_argument("--schema", required=True, help="what nj schema --json printed")
    args.add_argument("--publisher", default="collector")
    args.add_argument("--topic", default="trade.", help="prefix of the topics")
    args.add_argument("--count", type=int, default=0, help="stop after so many events; 0 never")
    args.add_argument("--timeout", type=float, default=30, help="seconds of silence after which it ends with code 5")
    a = args.parse_args()
    follower = Follower(Schema(a.schema), a.bus, a.publisher, a.topic)
    n, last = 0, {}
    for topic, ev in follower.events(a.timeout):
        if ev["event"] == "trade":
            print(ev["ts_recv"], ev["instrument"], ev["aggressor"], number(ev, "qty", "qty_scale"), "at",
                  number(ev, "price", "price_scale"), ev["origin"], flush=True)
        else:
            print(ev["ts_recv"], topic, ev["event"], flush=True)
        if topic in last and last[topic][0] == ev["epoch"]:
            assert ev["seq"] == last[topic][1] + 1, "a hole that was not repaired: %s" % topic
        last[topic] = (ev["epoch"], ev["seq"])
        n += 1
        if n == a.count:
            break
    print("%d events, %d holes, %d events asked for again" % (n, follower.holes, follower.repaired), file=sys.stderr)
    return 0 if n and (n == a.count or not a.count) else 5


if __name__ == "__main__":
    sys.exit(main())
