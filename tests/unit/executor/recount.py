"""recount.py - adds a journal up again, slowly and from its fills alone, and holds it against what the executor said.

Written from the documents, not from the executor: exact fractions, one fill after the other. Money, positions at average
cost, results and fees must agree to the last unit of 1e-8; the assets of the event contract as well, although only the
executor knows which outcome an order traded (YES less NO is the position, and money with the NO at 1 is what was paid).
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

    def fill(self, name, side, liquidity, order, price_scale, price, qty_scale, qty, fee, realised):
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
            assert (p.qty, p.realised, p.fees) == tuple(int(v) for v in rest[2:]), line
            short += p.qty < 0
        elif kind == "equity":
            assert (a.balance["USDT"], a.realised, a.fees) == tuple(int(v) for v in rest), line
            a.check()
    a.check()
    assert a.position["TWO.TEST"].qty == 0 and a.balance.get("TWO", 0) == a.balance.get("!TWO", 0) == 0
    return a.fills, short


def main():
    tests = os.path.join(os.path.dirname(os.environ["NJ_BIN"]), "tests")
    fills = short = 0
    for seed in range(1, 13):
        out = subprocess.run([os.path.join(tests, "unit.executor.recount"), "--journal", str(seed)], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
        try:
            n, s = recount(out.splitlines())
        except AssertionError:
            print("seed %d" % seed)
            raise
        fills, short = fills + n, short + s
    print("recount: %d fills of 12 worlds agree to the last unit, %d positions were short" % (fills, short))
    assert fills > 1500 and short > 50
    return 0


if __name__ == "__main__":
    sys.exit(main())
