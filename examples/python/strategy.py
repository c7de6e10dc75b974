#!/usr/bin/env python3
"""strategy - a strategy outside of the stack: buys and sells in turn, one order at a time, after every so many trades.

The stack needs a seat for it:

    strategy
        seats = "python"
        python
            strategy = "external"
            instrument = "BTCUSDT.BINANCE"

    nj schema --json >schema.json
    python3 strategy.py --bus run/bus --schema schema.json --seat python --every 50 --qty 0.01

It decides by the events of its seat alone, in their order; so the same market gives the same orders. A restart goes on
from the state it wrote last, and asks for what came since: whatever it wished for twice is done once, by its nonce.
"""
import argparse
import decimal
import json
import os
import sys
import time

from nightjar import Asker, NoAnswer, Refused, Schema, page_frames


class Seat:
    """Our place in the strategy service: taken for a lease that every request renews."""

    def __init__(self, schema, bus, name, owner, lease=5.0):
        self.schema, self.name, self.lease = schema, name, int(lease * 10**9)
        self.asker = Asker(schema, bus, "strategy", owner)
        self.token = 0

    def take(self):
        while True:
            try:
                reply, _ = self.asker.ask("seat", target=self.name, lease=self.lease)
                if reply["result"] == 0:
                    self.token = reply["of_epoch"]
                    return reply
                print("waiting for the seat:", reply["message"], file=sys.stderr, flush=True)
            except NoAnswer as e:
                print(e, file=sys.stderr, flush=True)
            time.sleep(0.2)

    def give_back(self):
        try:
            self.asker.ask("seat", target=self.name, lease=0)
        except NoAnswer:
            pass

    def feed(self, position):
        """What came behind a position, which also says: everything up to it is handled, and wished for. Waits a little
        where there is nothing. (events, new position, gap: something is missing in front of them)."""
        while True:
            try:
                reply, page = self.asker.ask("feed", target=self.name, of_epoch=self.token, lease=10**9,
                                             **{"from": position})
            except NoAnswer:
                self.take()
                continue
            error = self.schema.errors.get(reply["result"], "") if reply["result"] else ""
            if error in ("", "ERR_GAP"):
                events = [ev for frame in page_frames(page) for ev in self.schema.frame(frame)[1]]
                return events, reply["last"], error == "ERR_GAP"
            self.take()  # it was started anew, or our lease had ended

    def wish(self, cause, n, **fields):
        """An order or a cancel because of an event. The nonce is made from it: the same decision again is the same wish."""
        wish = self.schema.encode("wish", "python", cause_source=cause["source"], cause_at=cause["ts_recv"], **fields)
        nonce = "%s-%d-%d" % (self.name[:8], cause["ts_recv"], n)
        while True:
            try:
                return self.asker.order("wish", target=self.name, of_epoch=self.token, nonce=nonce, payload=wish)
            except Refused as e:
                if e.error != "ERR_EPOCH":
                    raise
                self.take()


class Strategy:
    """All it remembers is in `state`, which is written down whenever events are handled."""

    def __init__(self, seat, every, qty):
        self.seat, self.every, self.qty = seat, every, decimal.Decimal(qty)
        self.state = {"position": 0, "trades": 0, "orders": 0, "holding": False, "open": False, "scale": None}

    def on_event(self, ev):
        s = self.state
        if ev["event"] == "instrument":
            s["scale"] = ev["qty_scale"]
        elif ev["event"] == "order" and ev["status"] not in ("open", "partial"):
            if ev["status"] == "filled":
                s["holding"] = ev["side"] == "buy"
            s["open"] = False
        elif ev["event"] == "trade":
            s["trades"] += 1
            if s["trades"] >= self.every and not s["open"] and s["scale"] is not None:
                s["trades"] = 0
                self.trade(ev)

    def trade(self, ev):
        s = self.state
        side = "sell" if s["holding"] else "buy"
        try:
            reply = self.seat.wish(ev, 0, kind="order", side=side, type="market", tif="ioc", qty_scale=s["scale"],
                                   qty=int(self.qty.scaleb(s["scale"])), reason="every %d trades" % self.every)
        except Refused as e:
            print("refused:", e, file=sys.stderr, flush=True)
            return
        s["orders"] += 1
        s["open"] = True
        print(ev["ts_recv"], side, self.qty, "ordinal", reply["ordinal"], reply["client_order_id"], flush=True)


def load(path, state):
    if path and os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            state.update(json.load(f))


def save(path, state):
    if path:
        with open(path + ".new", "w", encoding="utf-8") as f:
            json.dump(state, f)
        os.replace(path + ".new", path)


def main():
    args = argparse.ArgumentParser(description="Buys and sells in turn, from outside of the stack.")
    args.add_argument("--bus", required=True, help="setting bus.dir of the stack")
    args.add_argument("--schema", required=True, help="what nj schema --json printed")
    args.add_argument("--seat", default="python")
    args.add_argument("--owner", default="strategy.py")
    args.add_argument("--every", type=int, default=50, help="trades between its orders")
    args.add_argument("--qty", default="0.01")
    args.add_argument("--orders", type=int, default=0, help="stop after so many; 0 never")
    args.add_argument("--state", help="file to remember in; without it a restart begins anew")
    a = args.parse_args()
    schema = Schema(a.schema)
    seat = Seat(schema, a.bus, a.seat, a.owner)
    strategy = Strategy(seat, a.every, a.qty)
    load(a.state, strategy.state)
    first = seat.take()
    if not strategy.state["position"]:
        strategy.state["position"] = first["first"]
    while not a.orders or strategy.state["orders"] < a.orders or strategy.state["open"]:
        events, position, gap = seat.feed(strategy.state["position"])
        if gap:
            print("market data is missing: what was open may have ended", file=sys.stderr, flush=True)
            strategy.state["open"] = False
        for ev in events:
            strategy.on_event(ev)
        strategy.state["position"] = position
        save(a.state, strategy.state)
    seat.give_back()
    return 0


if __name__ == "__main__":
    sys.exit(main())
