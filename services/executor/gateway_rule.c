/* gateway_rule - see gateway_rule.h. */
#include "services/executor/gateway_rule.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

bool gateway_rule_is_loopback(const char *url)
{
	static const char *const bases[] = {"http://127.0.0.1:", "http://localhost:", "http://[::1]:",
					    "ws://127.0.0.1:",   "ws://localhost:",   "ws://[::1]:"};
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		size_t n = strlen(bases[i]);
		size_t digits = strncmp(url, bases[i], n) == 0 ? strspn(url + n, "0123456789") : 0;
		if (digits > 0 && digits <= 5 && (url[n + digits] == '\0' || strcmp(url + n + digits, "/") == 0))
			return true;
	}
	return false;
}

const char *gateway_rule_may(const struct gateway_way *w)
{
	if (!w->live_mode)
		return "executor.mode is paper.";
	if (w->send == GATEWAY_SEND_DRY)
		return "executor.send is dry.";
	if (w->send == GATEWAY_SEND_SIMULATOR)
		return gateway_rule_is_loopback(w->url) ? NULL : "executor.venue_url is not on this machine.";
	if (w->lockstep)
		return "The stack runs in lockstep: a replay sends nothing to a venue.";
	return w->origin == origin_live ? NULL : "The market data is not live: nothing is sent to a venue on it.";
}

/* ---- settings ---- */

enum gateway_send gateway_rule_send(const struct executor_section *set)
{
	static const char *const names[] = {"dry", "testnet", "live", "simulator"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(set->send, names[i]) == 0)
			return (enum gateway_send)i;
	return GATEWAY_SEND_DRY;
}

/* The id goes into a header as it is. */
static bool is_id(const char *id)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	return id[0] && strspn(id, ok) == strlen(id);
}

int gateway_rule_check(const struct executor_section *set, char *reason, size_t cap)
{
	enum gateway_send send = gateway_rule_send(set);
	const char *what = NULL;
	if (strcmp(set->mode, "live") != 0 && send != GATEWAY_SEND_DRY)
		what = "executor.send: nothing is sent while executor.mode is paper; set mode = live as well, or leave "
		       "it out";
	else if (strcmp(set->mode, "live") != 0 || send == GATEWAY_SEND_DRY)
		return 0;
	else if (!is_id(set->key_id))
		what = "executor.key_id: to send it takes the id of a key (letters, digits, '-', '_'); put it into a "
		       "file, and name that in NIGHTJAR_EXECUTOR__KEY_ID_FILE";
	else if (!set->key_file[0])
		what = "executor.key_file: to send it takes the file of the key's secret";
	else if (send == GATEWAY_SEND_SIMULATOR &&
		 (!gateway_rule_is_loopback(set->venue_url) || !gateway_rule_is_loopback(set->venue_stream_url)))
		what = "executor.venue_url, executor.venue_stream_url: send = simulator takes http://127.0.0.1:PORT "
		       "and ws://127.0.0.1:PORT";
	else if (send != GATEWAY_SEND_SIMULATOR && (set->venue_url[0] || set->venue_stream_url[0]))
		what = "executor.venue_url is for send = simulator alone: testnet and live have hosts of their own";
	if (what)
		snprintf(reason, cap, "%s", what);
	return what ? ERR_ARG : 0;
}
