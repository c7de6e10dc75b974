/* kill_switch - see kill_switch.h. */
#include "services/executor/kill_switch.h"

#include <errno.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"

void kill_switch_init(struct kill_switch *k, struct runtime *rt, struct house *house)
{
	struct kill_record record;
	*k = (struct kill_switch){.rt = rt, .house = house};
	if (!kill_record_find(runtime_settings(rt)->data, &record))
		return;
	k->state = KILL_TURNING;
	log_warn("the kill switch is on", "owner=%s reason=%s", record.owner, record.reason);
}

bool kill_switch_ready(const struct kill_switch *k)
{
	return k->state != KILL_TURNING || k->decided || house_all_killed(k->house) ||
	       runtime_verifying(k->rt);
}

static void decide(struct kill_switch *k, const struct kill_record *record)
{
	struct event ev;
	event_init(&ev, EVENT_command);
	ev.command.verb = verb_kill;
	ev.command.role = role_service;
	event_set_name(ev.command.owner, record->owner);
	event_set_text(ev.command.reason, record->reason);
	int rc = runtime_decide(k->rt, &ev);
	k->decided = rc == 0;
	if (rc != 0 && rc != ERR_BUSY)
		log_error("the kill switch could not be journalled", "err=%s", err_name(rc));
}

static void tell_trouble(struct kill_switch *k, int rc, const char *what)
{
	if (rc != 0 && !k->warned)
		log_error("the kill switch's record cannot be changed",
			  "what=%s file=%s/" KILL_RECORD_NAME " err=%s reason=%s", what, runtime_settings(k->rt)->data,
			  err_name(rc), strerror(errno));
	k->warned = rc != 0;
}

static void write_record(struct kill_switch *k)
{
	struct ev_trading_state state;
	struct kill_record record;
	house_describe(k->house, &state);
	event_set_name(record.owner, state.owner);
	event_set_text(record.reason, state.reason);
	int rc = kill_record_write(runtime_settings(k->rt)->data, &record);
	tell_trouble(k, rc, "written");
	if (rc == 0)
		k->state = KILL_ON;
}

static void remove_record(struct kill_switch *k)
{
	int rc = kill_record_remove(runtime_settings(k->rt)->data);
	tell_trouble(k, rc, "removed: a restart would find it");
	if (rc == 0)
		*k = (struct kill_switch){.rt = k->rt, .house = k->house};
}

static void turn(struct kill_switch *k)
{
	struct kill_record record;
	if (kill_record_find(runtime_settings(k->rt)->data, &record))
		decide(k, &record);
	else
		*k = (struct kill_switch){.rt = k->rt, .house = k->house}; /* taken back by whoever had put it there */
}

static bool is_there(const struct kill_switch *k)
{
	struct kill_record record;
	return kill_record_find(runtime_settings(k->rt)->data, &record);
}

void kill_switch_keep(struct kill_switch *k)
{
	bool killed = house_all_killed(k->house);
	if (runtime_life(k->rt) != life_running || runtime_verifying(k->rt))
		return;
	if (k->state == KILL_TURNING && killed)
		k->state = KILL_ON;
	else if (k->state == KILL_TURNING && !k->decided)
		turn(k);
	else if (k->state == KILL_ON && !killed)
		remove_record(k);
	else if (k->state == KILL_OFF && killed)
		write_record(k);
	else if (k->state == KILL_OFF && is_there(k)) {
		k->state = KILL_TURNING;
		turn(k);
	}
}
