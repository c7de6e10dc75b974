"""recount.py - adds a journal up again, slowly and from its fills alone, and holds it against what the executor said.

Written from the documents, not from the executor: exact fractions, one fill after the other. Money, positions at average
cost, results and fees must agree to the last unit of 1e-8; the assets of the event contract as well, although only the
executor knows which outcome an order traded (YES less NO is the position, and money with the NO at 1 is what was paid).

Of perpetuals margins, fundings and liquidations are worked out as well: at each mark price it is judged here who is to be
liquidated, and exactly those must have been.
"""
import os
import subprocess
import sys
from fractions import Fraction

UNIT = 10**8
START = 10000 * UNIT
BASE = {"ONE.TEST": "ONE", "TWO.TEST": "TWO"}


def half_even(x):
    """round() of a Fraction is half to even."""
    return round(x)


def up(x):
    return -((-x.numerator) // x.denominator)


class Position:
    """Average cost: what goes out takes its share of the cost with it."""

    def __init__(self):
        self.qty, self.cost, self.realised, self.fees = 0, 0, 0, 0

    def apply(self, sign, qty, cash):
        closing = min(qty, abs(self.qty)) if self.qty * sign < 0 else 0
        closing_cash = half_even(Fraction(cash * closing, qty))
        released = half_even(Fraction(self.cost * closing, abs(self.qty))) if closing else 0
        gain = -sign * closing_cash - released if closing else 0
        self.qty += sign * qty
        self.cost += sign * (cash - closing_cash) - released
        self.realised += gain
        return gain


class Perpetual(Position):
    """On margin: what opens adds notional / leverage, rounded down; what closes gives its share back."""

    LEVERAGE = 20
    TIERS = [(1000, Fraction(1, 100)), (20000, Fraction(2, 100)), (None, Fraction(3, 100))]

    def __init__(self):
        super().__init__()
        self.scale = 0
        self.margin = self.funding = 0
        self.mark = None
        self.stated = Fraction(0)  # what it is valued at
        self.holds = {}  # by strategy

    def fill(self, strategy, sign, qty, cash):
        held = abs(self.qty)
        closing = min(qty, held) if self.qty * sign < 0 else 0
        if closing:
            self.margin -= self.margin if closing == held else half_even(Fraction(self.margin * closing, held))
        gain = self.apply(sign, qty, cash)
        opened = cash if not closing else abs(self.cost) if closing < qty else 0
        self.margin += opened // self.LEVERAGE
        self.holds[strategy] = self.holds.get(strategy, 0) + sign * qty
        return gain

    def worth(self, price):
        return half_even(Fraction(self.qty, 10**self.scale) * price * UNIT)

    def unrealised(self):
        return self.worth(self.mark) - self.cost if self.qty and self.mark else 0

    def maintenance(self):
        """A tax by brackets: each part of the notional at its own rate."""
        notional = abs(self.worth(self.mark)) if self.qty and self.mark else 0
        rate, amount, floor = Fraction(0), 0, 0
        for upto, next_rate in self.TIERS:
            amount += half_even(floor * UNIT * (next_rate - rate))
            rate = next_rate
            if upto is None or notional <= upto * UNIT:
                break
            floor = upto
        return max(0, half_even(notional * rate) - amount)


class Margined:
    """An account of perpetuals alone; everything is in one money."""

    START = 400 * UNIT

    def __init__(self, cross):
        self.cross = cross
        self.at = {name: Perpetual() for name in BASE}
        self.realised = self.fees = self.funding = self.insured = 0
        self.total, self.locked = self.START, 0
        self.n = {"fill": 0, "funding": 0, "liquidated": 0, "drawn": 0, "exposed": 0}
        self.taken = None  # what is being liquidated: its name, what the fills may still lose, fee

    def money(self):
        return self.START + self.realised - self.fees + self.funding + self.insured

    def judged(self, name):
        """What stands for it and what is needed."""
        mine = self.at[name]
        if not self.cross:
            return mine.margin + mine.unrealised(), mine.maintenance()
        positions = self.at.values()
        return self.money() + sum(p.unrealised() for p in positions), sum(p.maintenance() for p in positions)

    def on_mark(self, name, scale, price, rate):
        self.at[name].mark = Fraction(int(price), 10 ** int(scale))

    def on_judged(self, name):
        """What is left after a mark price can carry itself."""
        balance, needed = self.judged(name)
        assert not self.at[name].qty or balance > needed, ("not liquidated", name, balance, needed)

    def on_fill(self, name, side, liquidity, order, price_scale, price, qty_scale, qty, fee, realised, strategy):
        p = self.at[name]
        p.scale, qty = int(qty_scale), int(qty)
        price = Fraction(int(price), 10 ** int(price_scale))
        cost = half_even(Fraction(qty, 10**p.scale) * price * UNIT)
        before = p.margin
        gain = p.fill(strategy, 1 if side == "buy" else -1, qty, cost)
        assert gain == int(realised), ("realised", gain, realised)
        if liquidity == "liquidated":
            assert self.taken and self.taken["name"] == name, "no word of a liquidation"
            p.margin = before if p.qty else 0  # all of it goes at once
            self.taken["fee"] -= int(fee)
            worse = price <= p.mark if self.taken["qty"] > 0 else price >= p.mark
            assert worse, ("better than the mark price", price, p.mark)
        else:
            assert half_even(Fraction(cost, 1000)) == int(fee), ("fee", cost, fee)
        p.fees += int(fee)
        self.fees += int(fee)
        self.realised += gain
        self.n["fill"] += 1

    def on_funding(self, name, strategy, qty_scale, qty, mark, scale, rate, amount):
        p = self.at[name]
        assert p.holds[strategy] == int(qty), ("holding", p.holds, qty)
        price = Fraction(int(mark), 10 ** int(scale))
        assert price == p.mark, ("mark", price, p.mark)
        value = half_even(Fraction(int(qty), 10 ** int(qty_scale)) * price * UNIT)
        mine = -half_even(value * Fraction(int(rate), 10**10))
        assert mine == int(amount), ("funding", mine, amount)
        p.funding += mine
        self.funding += mine
        self.n["funding"] += 1

    def on_liquidated(self, name, qty, balance, needed, fee, insured):
        p = self.at[name]
        assert p.qty == int(qty) != 0
        assert self.judged(name) == (int(balance), int(needed)), (self.judged(name), balance, needed)
        assert int(balance) <= int(needed), "liquidated too early"
        most = half_even(abs(p.worth(p.mark)) / Fraction(100))
        assert 0 <= int(fee) <= most * Fraction(101, 100), ("fee", fee, most)
        assert int(insured) >= 0 and (int(insured) == 0 or int(fee) == 0)
        self.taken = {"name": name, "fee": int(fee), "qty": int(qty), "margin": p.margin, "before": self.money()}
        self.insured += int(insured)
        self.n["liquidated"] += 1

    def on_position(self, name, qty_scale, qty, realised, fees, margin, funding):
        p = self.at[name]
        assert (p.qty, p.realised, p.fees) == (int(qty), int(realised), int(fees)), (name, p.qty, qty)
        assert p.funding == int(funding)
        if self.taken and self.taken["name"] == name:
            lost = self.taken["before"] - self.money()
            assert p.qty == 0 and self.taken["fee"] == 0
            assert lost <= (self.taken["before"] if self.cross else self.taken["margin"]), ("lost", lost)
            self.taken = None
        if p.margin != int(margin):  # losses were paid out of it: nothing else was free
            assert p.margin > int(margin) >= 0, ("margin", p.margin, margin)
            p.margin = int(margin)
            self.n["drawn"] += 1

    def on_balance(self, asset, total, locked):
        assert asset == "USDT" and 0 <= int(locked) <= int(total)
        self.total, self.locked = int(total), int(locked)

    def on_valuation(self, name, scale, price):
        self.at[name].stated = Fraction(int(price), 10 ** int(scale))

    def on_equity(self, cash, realised, fees, funding, insured, equity, exposed, whole):
        told = tuple(int(v) for v in (cash, realised, fees, funding, insured))
        assert told == (self.money(), self.realised, self.fees, self.funding, self.insured), told
        assert self.total == self.money(), ("money", self.total, self.money())
        if whole == "1":  # each position's mark was just told
            held = [p for p in self.at.values() if p.qty]
            gross = sum(abs(p.worth(p.stated)) for p in held)
            result = sum(p.worth(p.stated) - p.cost for p in held if p.stated)
            assert (gross, self.money() + result) == (int(exposed), int(equity)), ("exposed", gross, exposed)
            self.n["exposed"] += gross > int(equity)


def recount_perpetuals(lines, cross):
    a = Margined(cross)
    for line in lines:
        kind, *rest = line.split()
        try:
            getattr(a, "on_" + kind)(*rest)
        except AssertionError:
            print(line)
            raise
    return a.n


class Account:
    def __init__(self):
        self.position = {name: Position() for name in BASE}
        self.paid = 0  # for positions, all in all
        self.fees = self.realised = 0
        self.carry = {}  # of the event contract's orders: roundings that were overpaid
        self.balance = {"USDT": START}
        self.qty = {name: 0 for name in BASE}
        self.fills = 0

    def fee_of(self, name, side, liquidity, order, price, qty, cost):
        if liquidity == "settled":
            return 0
        if name == "ONE.TEST":
            return half_even(Fraction(cost, 1000))
        rate = Fraction(7, 100) if liquidity == "taker" else Fraction(175, 10000)
        fee = up(rate * qty * price * (1 - price) * 10**4) * 10**4
        change = (cost if side == "sell" else -cost) - fee
        rounding = change % 10**6
        carry = self.carry.get(order, 0) + rounding
        fee += rounding
        if carry > 10**6 and fee >= 10**6:
            carry, fee = carry - 10**6, fee - 10**6
        self.carry[order] = carry
        return fee

    def fill(self, name, side, liquidity, order, price_scale, price, qty_scale, qty, fee, realised, strategy):
        p = self.position[name]
        price, amount = Fraction(int(price), 10 ** int(price_scale)), Fraction(int(qty), 10 ** int(qty_scale))
        cost = half_even(price * amount * UNIT)
        sign = 1 if side == "buy" else -1
        gain = p.apply(sign, int(qty), cost)
        assert gain == int(realised), ("realised", gain, realised)
        mine = self.fee_of(name, side, liquidity, order, price, amount, cost)
        assert mine == int(fee), ("fee", mine, fee)
        p.fees += mine
        self.fees += mine
        self.realised += gain
        self.paid += sign * cost
        self.qty[name] += sign * amount * UNIT
        self.fills += 1

    def check(self):
        """After an equity record everything that was told is of one moment."""
        no = self.balance.get("!TWO", 0)
        money = self.balance["USDT"] + no
        assert money == START - self.paid - self.fees, ("money", money, START - self.paid - self.fees)
        assert self.balance.get("ONE", 0) == self.qty["ONE.TEST"]
        assert self.balance.get("TWO", 0) - no == self.qty["TWO.TEST"]
        assert all(v >= 0 for v in self.balance.values())


def recount(lines):
    a, short = Account(), 0
    for line in lines:
        kind, *rest = line.split()
        if kind == "fill":
            a.fill(*rest)
        elif kind == "balance":
            a.balance[rest[0]] = int(rest[1])
        elif kind == "position":
            p = a.position[rest[0]]
            assert (p.qty, p.realised, p.fees) == tuple(int(v) for v in rest[2:5]), line
            short += p.qty < 0
        elif kind == "equity":
            assert (a.balance["USDT"], a.realised, a.fees) == tuple(int(v) for v in rest[:3]), line
            assert int(rest[6]) == int(rest[5]) - int(rest[0]), ("all that is no cash is exposed", line)
            a.check()
    a.check()
    assert a.position["TWO.TEST"].qty == 0 and a.balance.get("TWO", 0) == a.balance.get("!TWO", 0) == 0
    return a.fills, short


def journal(seed):
    tests = os.path.join(os.path.dirname(os.environ["NJ_BIN"]), "tests")
    return subprocess.run([os.path.join(tests, "unit.executor.recount"), "--journal", str(seed)], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.splitlines()


def perpetuals():
    sums = {}
    for seed in range(100, 112):
        try:
            counts = recount_perpetuals(journal(seed), cross=seed % 2 == 0)
        except AssertionError:
            print("seed %d" % seed)
            raise
        sums = {k: sums.get(k, 0) + n for k, n in counts.items()}
    print("perpetuals: %(fill)d fills, %(funding)d fundings, %(liquidated)d liquidations agree; margin paid %(drawn)d "
          "times, %(exposed)d times held more than it was worth" % sums)
    assert sums["fill"] > 1500 and sums["funding"] > 300 and sums["liquidated"] > 20


def main():
    fills = short = 0
    for seed in range(1, 13):
        try:
            n, s = recount(journal(seed))
        except AssertionError:
            print("seed %d" % seed)
            raise
        fills, short = fills + n, short + s
    print("recount: %d fills of 12 worlds agree to the last unit, %d positions were short" % (fills, short))
    assert fills > 1500 and short > 50
    perpetuals()
    return 0


if __name__ == "__main__":
    sys.exit(main())
