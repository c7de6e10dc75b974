"""live - a stack on a generated market, as it runs by itself: nobody waits for anybody. With questions about what it did."""
import os
import sqlite3

from records import journal, unpack
from stack import SERVICES, Stack, wait_for
from wsclient import rest

MARKET = ("--symbols", "BTCUSDT", "--rate", "100", "--seed", "7")
QUICK = ("collector.stamped=false", "collector.backoff_min=50ms", "collector.backoff_max=200ms", "collector.connect_limit=4096")


class Live(Stack):
    """Settings come after the quick ones and win."""

    def __init__(self, name, settings=(), sim_args=MARKET, origin="simulated", **kw):
        super().__init__(name, speed="1", pace="live", origin=origin, settings=QUICK + tuple(settings), sim_args=sim_args, **kw)
        # The last of equal settings is the one that counts.
        self.extra = list({s.split("=")[0]: s for s in self.extra}.values())

    def metric(self, service, name):
        st = self.status(service)
        return st.get(name, 0) if st else 0

    def until_trusted(self):
        """A book is built and the persister has caught up."""
        self.until("a trusted book", lambda: self.metric("collector", "collector_depth_applied_total") > 3)
        self.until("the persister", lambda: self.metric("persister", "in.collector.x.state") == 2)

    def fault(self, **fault):
        reply = rest(self.port, "/nightjar/fault", "POST", fault)
        assert reply.status == 200, reply.body

    def truth(self):
        return rest(self.port, "/nightjar/truth").json()

    def rows(self, sql, *args):
        if not os.path.exists(self.database):
            return []
        db = sqlite3.connect("file:%s?mode=ro" % self.database, uri=True, timeout=10)
        try:
            db.row_factory = sqlite3.Row
            return db.execute(sql, args).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            db.close()


def compare_with_journals(s, publishers=SERVICES):
    """Every record of every journal is in the database, once, byte for byte. Returns how many."""
    n = 0
    for publisher in publishers:
        folder = s.path("data", publisher, "journal")
        want = {seq: unpack(frame, frame.index(b"\0") + 1)[0] for seq, frame in journal(folder)}
        db = sqlite3.connect("file:%s?mode=ro" % s.database, uri=True, timeout=10)
        try:
            rows = db.execute("SELECT seq, body FROM xlog WHERE publisher = ?", (publisher,)).fetchall()
        finally:
            db.close()
        got = {seq: unpack(bytes(body))[0] for seq, body in rows}
        assert len(got) == len(rows), "%s: a record is there twice" % publisher
        missing = sorted(set(want) - set(got))
        assert not missing, "%s: not in the database: %s" % (publisher, missing[:5])
        differing = [seq for seq in want if [v for i, v in enumerate(want[seq]) if i != 8] !=
                     [v for i, v in enumerate(got[seq]) if i != 8]]
        assert not differing, "%s: stored otherwise than published: %s" % (publisher, differing[:5])
        assert set(got) == set(range(1, len(got) + 1)), "%s: holes" % publisher
        n += len(got)
    return n


def until_stored(s, limit=60):
    """What is durable with its publisher is in the database."""
    def done():
        for name in ("collector", "strategy", "executor"):
            st = s.status(name)
            rows = s.rows("SELECT count(*) AS n FROM xlog WHERE publisher = ?", name)
            if not st or not rows or rows[0]["n"] < st["x_last"]:
                return False
        return True
    return wait_for(done, limit, "everything to be stored")
