/* bus - lane X in Promela: journal, loss, replay, epochs, checkpoints, acknowledgements; one publisher, two consumers.
 *
 *   publisher   append -> (sync) durable -> publish -> each consumer's queue, or lost, or twice
 *   consumer 0  the persister: what it has committed is acknowledged, given up by the publisher, and a copy for others
 *   consumer 1  anybody else: asks the publisher, and for what that gave up or lost, the copy
 *
 * Kept from common/service/inbox.c: LIVE and PAGING; the next sequence alone is taken; a hole, a lost tail (heartbeat),
 * a larger epoch lead to paging; paging begins with the record we have, to be compared; a smaller epoch, a journal that
 * ends before our place or has another record there is refused; an epoch is left for a larger one when the copy has no
 * more of it. Kept from common/io/journal*.c: what is published is durable; behind the durable mark a crash keeps any
 * part of the tail. `version` is the life of the publisher that wrote a record: two records of one place differ by it.
 *
 * Left out: time (any moment may be the one a timer fires), bytes, full receivers, lane M. A page has one new record.
 * Assumed, for SET_BACKS only: restoring files takes longer than a frame is on its way; and who follows hears that the
 * publisher was started again before it takes a live record of that life (its first word is a heartbeat).
 *
 * What must hold, in every state that can be reached:
 *   - a record is visible only when it is durable, and never changes after it was seen          (deliver)
 *   - each consumer's ledger takes every sequence once, in order, without a hole                (commit)
 *   - no record is called lost that publisher or copy still has                                 (lost)
 *   - nobody is refused without reason                                                          (refuse)
 *   - when nothing can move any more, both ledgers are the journal                              (watch)
 * Together with a search for cycles (there is none, so every run ends): all is delivered in the end, whatever happened.
 *
 * -D N, P_CRASHES, C_CRASHES, LOST_DISKS, SET_BACKS, ASK_LOSSES, QUEUE: sizes. -D NO_…: one rule removed; run.py checks that
 * each removal is found.
 */
#ifndef N
#define N 3
#endif
#ifndef P_CRASHES
#define P_CRASHES 1
#endif
#ifndef C_CRASHES
#define C_CRASHES 1
#endif
#ifndef LOST_DISKS
#define LOST_DISKS 0
#endif
#ifndef SET_BACKS
#define SET_BACKS 0
#endif
#ifndef ASK_LOSSES
#define ASK_LOSSES 1
#endif
#ifndef QUEUE
#define QUEUE 2
#endif
#define EPOCHS (1 + LOST_DISKS)
#define PLACE(e, s) ((e) * (N + 1) + (s))
#define PERSISTER 0
#define OTHER 1

mtype = { live, paging, refused, ok, other_epoch, given_up };

/* ---- the publisher: its disk, and what it has said ---- */

byte epoch = 1, life = 1;
byte appended, durable, sent, trimmed;
byte version[N + 1];
byte p_crashes = P_CRASHES, lost_disks = LOST_DISKS, set_backs = SET_BACKS, ask_losses = ASK_LOSSES;
bool was_set_back;

/* epoch, sequence, version */
chan queue[2] = [QUEUE] of { byte, byte, byte };
/* epoch (0: any), from */
chan ask[2] = [1] of { byte, byte };
/* result, epoch, first, last, versions of the record asked from and of the one behind it (0: none) */
chan answer[2] = [1] of { mtype, byte, byte, byte, byte, byte };

/* ---- the consumers: on disk ---- */

typedef Disk {
	byte epoch, next, ver;             /* checkpoint; ver: of the record before next, 0 not known */
	byte ledger[(EPOCHS + 1) * (N + 1)]; /* version of each record applied; 0: not */
}
Disk disk[2];
/* ---- and in memory ---- */
typedef Memory {
	mtype state;
	byte epoch, next, ver;
	byte pending;           /* version of a record that is taken and not committed; 0 none */
	bool asked, check, ask_copy, half;
	bool compare;           /* the copy is asked for the record before next only */
	bool verified;          /* the publisher's present life has been seen to have what we have of it */
	mtype why;              /* the copy is asked because of this refusal */
	byte new_epoch;
}
Memory mem[2];
byte c_crashes[2];
bool unheard[2];                /* the publisher was set back and started again: not heard of yet */

inline clear(c) {
	do :: nempty(c) -> c?_,_ :: empty(c) -> break od
}
inline clear_queue(c) {
	do :: nempty(queue[c]) -> queue[c]?_,_,_ :: empty(queue[c]) -> break od
}
inline clear_answer(c) {
	do :: nempty(answer[c]) -> answer[c]?_,_,_,_,_,_ :: empty(answer[c]) -> break od
}

/* ---- the publisher ---- */

inline push(c) {
	if
	:: true                                   /* lost: nobody was connected, or a full queue */
	:: nfull(queue[c]) -> queue[c]!epoch,sent,version[sent]
	:: len(queue[c]) + 2 <= QUEUE ->          /* twice */
		queue[c]!epoch,sent,version[sent];
		queue[c]!epoch,sent,version[sent]
	fi
}

inline reply(c) {
	ask[c]?e,from;
	if
	:: e != 0 && e != epoch -> answer[c]!other_epoch,epoch,trimmed + 1,durable,0,0
	:: else ->
		if
		:: from > durable -> answer[c]!ok,epoch,trimmed + 1,durable,0,0
		:: from <= durable && from <= trimmed -> answer[c]!given_up,epoch,trimmed + 1,durable,0,0
		:: from == durable && from > trimmed -> answer[c]!ok,epoch,trimmed + 1,durable,version[from],0
		:: from < durable && from > trimmed ->
			answer[c]!ok,epoch,trimmed + 1,durable,version[from],version[from + 1]
		fi
	fi;
	e = 0;
	from = 0
}

/* What was on its way from the dead process arrives, or not; what was asked of it is lost. */
inline die() {
	life++;
	clear(ask[0]);
	clear(ask[1]);
	if :: true :: nempty(queue[0]) -> clear_queue(0) fi;
	if :: true :: nempty(queue[1]) -> clear_queue(1) fi
}

#ifdef NO_EARLY_ACK_RULE
#define ACKED (mem[PERSISTER].next - 1)
#else
#define ACKED (disk[PERSISTER].next - 1)
#endif
#if defined(NO_ACK_EPOCH)
#define ACK_COUNTS true
#elif defined(NO_VERIFIED_ACK)
#define ACK_COUNTS (disk[PERSISTER].epoch == epoch)
#else
#define ACK_COUNTS (disk[PERSISTER].epoch == epoch && mem[PERSISTER].verified && !unheard[PERSISTER])
#endif
#ifdef NO_DURABLE_FIRST
#define VISIBLE appended
#else
#define VISIBLE durable
#endif

active proctype publisher() {
	byte e, from;
end:	do
	:: atomic { appended < N -> appended++; version[appended] = life }
	:: atomic { durable < appended -> durable = appended }
	:: atomic { sent < VISIBLE -> sent++; push(0); push(1) }
	:: atomic { ACK_COUNTS && ACKED > trimmed && trimmed < durable -> trimmed++ }
	:: atomic { nempty(ask[0]) -> reply(0) }
	:: atomic { nempty(ask[1]) -> reply(1) }
	:: atomic { p_crashes > 0 ->
		p_crashes--;
		do :: appended > durable -> version[appended] = 0; appended-- :: break od;
		durable = appended;       /* the tail that survived is written again on opening */
		sent = durable;           /* and not published: who has not got it hears of it and asks */
		die()
	}
#if LOST_DISKS
	:: atomic { lost_disks > 0 && durable > 0 ->
		lost_disks--;
		do :: appended > 0 -> version[appended] = 0; appended-- :: else -> break od;
		durable = 0; sent = 0; trimmed = 0;
		epoch++;
		die()
	}
#endif
#if SET_BACKS
	:: atomic { set_backs > 0 && durable > trimmed + 1 && empty(queue[0]) && empty(queue[1]) ->
		set_backs--;
		was_set_back = true;
		version[appended] = 0;
		appended--;
		do :: appended > trimmed + 1 -> version[appended] = 0; appended-- :: break od;
		if :: durable > appended -> durable = appended :: else fi;
		appended = durable;
		from = durable + 1;
		do :: from <= N -> version[from] = 0; from++ :: else -> break od;
		from = 0;
		sent = durable;
		die();
		unheard[0] = true;
		unheard[1] = true
	}
#endif
	od
}

/* ---- a consumer ---- */

/* What was asked before does not count any more: answers bear the number of their request. */
inline go_paging(c) {
	clear(ask[c]);
	clear_answer(c);
	mem[c].state = paging;
	mem[c].asked = false;
	mem[c].check = true;
	mem[c].ask_copy = false;
	mem[c].compare = false;
	mem[c].why = ok;
	mem[c].new_epoch = 0
}

/* In memory only: a crash forgets it. */
inline deliver(who, of_epoch, at, by) {
	assert(at <= N && by != 0);
	assert(was_set_back || of_epoch != epoch || (at <= durable && version[at] == by));
	mem[who].pending = by;
	mem[who].next = at + 1;
	mem[who].ver = by
}

inline refuse(who, of_epoch, ends) {
	assert(of_epoch < mem[who].epoch || ends + 1 < mem[who].next || was_set_back);
	mem[who].state = refused;
	mem[who].asked = false
}

/* Records of this epoch from next on are called lost: who could have them? */
inline lost(c) {
	assert(epoch != mem[c].epoch || mem[c].next > durable || mem[c].next <= trimmed);
	assert(mem[c].next > N || disk[PERSISTER].ledger[PLACE(mem[c].epoch, mem[c].next)] == 0);
	/* What was given up is stored: of a living epoch nothing is ever lost. */
	assert(epoch != mem[c].epoch)
}

inline leave_epoch(who, to) {
	lost(who);
	mem[who].epoch = to;
	mem[who].next = 1;
	mem[who].ver = 0
}

#ifdef NO_HOLE_RULE
#define IS_NEXT(s, c) ((s) >= mem[c].next)
#else
#define IS_NEXT(s, c) ((s) == mem[c].next)
#endif

inline take_live(c) {
	queue[c]?e,s,v;
	if
#ifndef NO_OLD_EPOCH_RULE
	:: e < mem[c].epoch -> skip              /* of the journal before: counted */
#endif
#ifdef NO_FINISH_RULE
	:: e > mem[c].epoch -> mem[c].epoch = e; mem[c].next = s; deliver(c, e, s, v)
#else
	:: e > mem[c].epoch -> go_paging(c)
#endif
#ifdef NO_OLD_EPOCH_RULE
	:: e <= mem[c].epoch ->
#else
	:: e == mem[c].epoch ->
#endif
		if
#ifndef NO_CHECK_RULE
		:: s + 1 == mem[c].next && mem[c].ver != 0 && v != mem[c].ver -> go_paging(c)
		:: s < mem[c].next && !(s + 1 == mem[c].next && mem[c].ver != 0 && v != mem[c].ver) -> skip
#else
		:: s < mem[c].next -> skip
#endif
		:: IS_NEXT(s, c) -> deliver(c, e, s, v)
		:: s > mem[c].next && !IS_NEXT(s, c) -> go_paging(c)
		fi
	fi;
	e = 0; s = 0; v = 0
}

/* A record of a page, or none; then on, or live. */
inline take_page(who, at, first_ver, second_ver, ends) {
	v = first_ver;
	if
	:: at + 1 == mem[who].next ->
		if
		:: first_ver != mem[who].ver -> refuse(who, epoch, 0)
		:: else -> v = second_ver
		fi
	:: else
	fi;
	if
	:: mem[who].state == refused
	:: mem[who].state != refused ->
		mem[who].verified = true;
		if
		:: v != 0 -> deliver(who, mem[who].epoch, mem[who].next, v)
		:: else
		fi;
		if
		:: ends >= mem[who].next -> mem[who].asked = false; mem[who].check = true
		:: else -> mem[who].state = live; mem[who].asked = false
		fi
	fi
}

inline take_answer(c) {
	answer[c]?result,e,first,last,va,vb;
	if
	:: mem[c].epoch != 0 && (e < mem[c].epoch || (e == mem[c].epoch && last + 1 < mem[c].next)) ->
		refuse(c, e, last)
	:: else ->
		if
		:: result == other_epoch ->
#ifdef NO_COPY_RULE
			leave_epoch(c, e); mem[c].asked = false
#else
			if
			:: c == PERSISTER -> leave_epoch(c, e); mem[c].asked = false
			:: else -> mem[c].ask_copy = true; mem[c].why = result; mem[c].new_epoch = e
			fi
#endif
		:: result == given_up ->
			if :: mem[c].epoch == 0 -> mem[c].epoch = e :: else fi;
			mem[c].asked = false;
			if
			:: first <= mem[c].next ->           /* only the record to compare is gone */
				mem[c].check = false;
#ifndef NO_COPY_CHECK
				if
				:: c == PERSISTER
				:: else -> mem[c].ask_copy = true; mem[c].compare = true; mem[c].why = result
				fi
#endif
			:: else ->
#ifdef NO_COPY_RULE
				lost(c)
#else
				if
				:: c == PERSISTER -> lost(c)
				:: else -> mem[c].ask_copy = true; mem[c].why = result
				fi
#endif
			fi
		:: result == ok ->
			if :: mem[c].epoch == 0 -> mem[c].epoch = e :: else fi;
			take_page(c, place, va, vb, last)
		fi
	fi;
	result = 0; e = 0; first = 0; last = 0; va = 0; vb = 0; v = 0; place = 0
}

/* One record of the copy, or its end. */
inline take_copy(c) {
	if
	:: mem[c].compare ->
		mem[c].compare = false;
		mem[c].ask_copy = false;
		mem[c].why = ok;
		v = disk[PERSISTER].ledger[PLACE(mem[c].epoch, mem[c].next - 1)];
		if
		:: v != 0 && v != mem[c].ver -> refuse(c, mem[c].epoch, 0)
		:: else
		fi;
		v = 0
	:: !mem[c].compare && mem[c].next <= N && disk[PERSISTER].ledger[PLACE(mem[c].epoch, mem[c].next)] != 0 ->
		v = disk[PERSISTER].ledger[PLACE(mem[c].epoch, mem[c].next)];
		deliver(c, mem[c].epoch, mem[c].next, v);
		v = 0
	:: else ->
		mem[c].ask_copy = false;
		mem[c].asked = false;
		mem[c].check = true;
		if
		:: mem[c].why == other_epoch -> leave_epoch(c, mem[c].new_epoch)
		:: else
		fi;
		mem[c].why = ok;
		mem[c].new_epoch = 0
	fi
}

/* One transaction: the record in the ledger and the place behind it. */
inline apply(c) {
	assert(disk[c].ledger[PLACE(mem[c].epoch, mem[c].next - 1)] == 0);
	assert(mem[c].next == 2 || disk[c].ledger[PLACE(mem[c].epoch, mem[c].next - 2)] != 0);
	disk[c].ledger[PLACE(mem[c].epoch, mem[c].next - 1)] = mem[c].pending
}
inline checkpoint(c) {
	disk[c].epoch = mem[c].epoch;
	disk[c].next = mem[c].next;
	disk[c].ver = mem[c].ver
}

inline restart(c) {
	mem[c].epoch = disk[c].epoch;
	mem[c].next = disk[c].next;
	mem[c].ver = disk[c].ver;
	mem[c].pending = 0;
	mem[c].half = false;
	mem[c].verified = false;
	clear_queue(c);
	unheard[c] = false;             /* it begins by paging */
	place = 0;
	go_paging(c)
}

#define FREE(c) (mem[c].pending == 0)
#define BEHIND(c) (epoch > mem[c].epoch || (epoch == mem[c].epoch && sent >= mem[c].next))

proctype consumer(byte c) {
	byte e, s, v, first, last, va, vb, place;
	mtype result;
end:	do
	:: atomic { mem[c].state == live && FREE(c) && !unheard[c] && nempty(queue[c]) -> take_live(c) }
#ifndef NO_TAIL_RULE
	:: atomic { mem[c].state == live && FREE(c) && BEHIND(c) -> go_paging(c) }
#endif
#if SET_BACKS
	:: atomic { unheard[c] ->
		unheard[c] = false;
		mem[c].verified = false;
#ifndef NO_CHECK_RULE
		if
		:: mem[c].state != refused -> go_paging(c)
		:: else
		fi
#endif
	}
#endif
	:: atomic { mem[c].state == paging && FREE(c) && !mem[c].asked && !mem[c].ask_copy ->
		place = mem[c].next;
#ifndef NO_CHECK_RULE
		if
		:: mem[c].check && mem[c].ver != 0 && place > 1 -> place--
		:: else
		fi;
#endif
		ask[c]!mem[c].epoch,place;
		mem[c].asked = true
	}
	/* No answer within the time: it was lost with the process that was asked, or on its way. */
	:: atomic { mem[c].asked && empty(ask[c]) && empty(answer[c]) && !mem[c].ask_copy -> mem[c].asked = false }
	:: atomic { mem[c].asked && nempty(answer[c]) && ask_losses > 0 -> ask_losses--; clear_answer(c) }
	:: atomic { mem[c].state == paging && FREE(c) && mem[c].asked && nempty(answer[c]) -> take_answer(c) }
	:: atomic { mem[c].state == paging && FREE(c) && mem[c].ask_copy -> take_copy(c) }
#if defined(NO_ONE_TRANSACTION_EFFECT)
	:: atomic { !FREE(c) && !mem[c].half -> apply(c); mem[c].half = true }
	:: atomic { !FREE(c) && mem[c].half -> checkpoint(c); mem[c].half = false; mem[c].pending = 0 }
#elif defined(NO_ONE_TRANSACTION_PLACE)
	:: atomic { !FREE(c) && !mem[c].half -> checkpoint(c); mem[c].half = true }
	:: atomic { !FREE(c) && mem[c].half -> apply(c); mem[c].half = false; mem[c].pending = 0 }
#else
	:: atomic { !FREE(c) -> apply(c); checkpoint(c); mem[c].pending = 0 }
#endif
	:: atomic { c_crashes[c] > 0 -> c_crashes[c]--; restart(c) }
	od
}

/* Nothing can move any more. */
inline complete(c) {
	assert(mem[c].state != refused || was_set_back);
	if
	:: mem[c].state == refused
	:: mem[c].state != refused ->
		assert(mem[c].state == live);
		assert(disk[c].epoch == epoch && disk[c].next == N + 1);
		i = 1;
		do
		:: i <= N -> assert(disk[c].ledger[PLACE(epoch, i)] == version[i]); i++
		:: else -> break
		od
	fi
}

active proctype watch() {
	byte i;
end:	timeout ->
	assert(appended == N && durable == N && sent == N);
	complete(0);
	complete(1)
}

init {
	atomic {
		disk[0].next = 1; disk[1].next = 1;
		c_crashes[0] = C_CRASHES; c_crashes[1] = C_CRASHES;
		mem[0].next = 1; mem[1].next = 1;
		mem[0].state = paging; mem[1].state = paging;
		mem[0].why = ok; mem[1].why = ok;
		mem[0].check = true; mem[1].check = true;
		run consumer(0);
		run consumer(1)
	}
}
