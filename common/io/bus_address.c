/* bus_address - where each publisher's three sockets are: paths in a directory, or ports of a host. */
#include "common/io/bus_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

enum { PATH_MAX_OF_SOCKET = 107 }; /* bytes of sun_path without its NUL */

static const char host_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

/* A name, an IPv4 address, or an IPv6 address in brackets. */
static bool is_host(const char *text, size_t len)
{
	if (len == 0 || len >= BUS_HOST_MAX)
		return false;
	if (text[0] == '[')
		return len > 2 && text[len - 1] == ']' &&
		       strspn(text + 1, "0123456789abcdefABCDEF:.%") == len - 2;
	return strspn(text, host_letters) >= len;
}

static int refuse(char *reason, size_t cap, const char *text, int len)
{
	snprintf(reason, cap, "bus.peers: \"%.*s\" is not NAME=HOST:PORT with a port up to 65533", len, text);
	return ERR_ARG;
}

/* One of the list; len bytes at text. */
static int add(struct bus_addresses *a, const char *text, size_t len, char *reason, size_t cap)
{
	const char *equals = memchr(text, '=', len), *colon = NULL;
	for (const char *c = text; c < text + len; c++)
		colon = *c == ':' ? c : colon;
	if (!equals || !colon || colon < equals || a->n == BUS_PEERS_MAX)
		return refuse(reason, cap, text, (int)len);
	size_t name_len = (size_t)(equals - text), host_len = (size_t)(colon - equals - 1);
	size_t digits = strspn(colon + 1, "0123456789");
	long port = digits >= 1 && digits <= 5 && colon + 1 + digits == text + len ? strtol(colon + 1, NULL, 10) : 0;
	struct bus_place *p = &a->at[a->n];
	if (name_len == 0 || name_len >= sizeof p->publisher || strspn(text, host_letters) < name_len ||
	    !is_host(equals + 1, host_len) || port < 1 || port > 65533)
		return refuse(reason, cap, text, (int)len);
	memcpy(p->publisher, text, name_len);
	memcpy(p->host, equals + 1, host_len);
	p->port = (uint16_t)port;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->at[i].publisher, p->publisher) == 0) {
			snprintf(reason, cap, "bus.peers: %s stands there twice", p->publisher);
			return ERR_ARG;
		}
	a->n++;
	return 0;
}

static int add_all(struct bus_addresses *a, const char *list, char *reason, size_t cap)
{
	int rc = 0;
	for (const char *at = list; rc == 0 && *at;) {
		at += strspn(at, ", ");
		size_t len = strcspn(at, ", ");
		if (len)
			rc = add(a, at, len, reason, cap);
		at += len;
	}
	return rc;
}

int bus_addresses_init(struct bus_addresses *a, const struct bus_zmq_options *o, char *reason, size_t cap)
{
	memset(a, 0, sizeof *a);
	if (strlen(o->dir) >= sizeof a->dir) {
		snprintf(reason, cap, "bus.dir is longer than %zu characters: unix sockets cannot live there",
			 sizeof a->dir - 1);
		return ERR_TOO_LONG;
	}
	memcpy(a->dir, o->dir, strlen(o->dir) + 1);
	a->tcp = o->tcp;
	if (!a->tcp)
		return 0;
	size_t len = o->listen ? strlen(o->listen) : 0;
	if (len && !is_host(o->listen, len)) {
		snprintf(reason, cap, "bus.listen: \"%.60s\" is not an address (write 10.0.0.1, [fd00::1], or 0.0.0.0)",
			 o->listen);
		return ERR_ARG;
	}
	memcpy(a->listen, len ? o->listen : "", len + 1);
	return add_all(a, o->peers ? o->peers : "", reason, cap);
}

static const struct bus_place *find(const struct bus_addresses *a, const char *publisher)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->at[i].publisher, publisher) == 0)
			return &a->at[i];
	return NULL;
}

int bus_address(const struct bus_addresses *a, const char *publisher, enum lane lane, bool bind,
		char ret_at[BUS_ADDRESS_MAX])
{
	static const char *const suffix[] = {[LANE_M] = "m", [LANE_X] = "x", [LANE_R] = "rep"};
	char at[BUS_ADDRESS_MAX];
	must(lane >= LANE_M && lane <= LANE_R);
	int n;
	if (a->tcp) {
		const struct bus_place *p = find(a, publisher);
		if (!p)
			return ERR_NOT_FOUND;
		n = snprintf(at, sizeof at, "tcp://%s:%u", bind && a->listen[0] ? a->listen : p->host,
			     (unsigned)p->port + (unsigned)lane - LANE_M);
	} else {
		n = snprintf(at, sizeof at, "ipc://%s/%s.%s", a->dir, publisher, suffix[lane]);
		if (n > PATH_MAX_OF_SOCKET + (int)strlen("ipc://"))
			return ERR_TOO_LONG;
	}
	if (n < 0 || n >= (int)sizeof at)
		return ERR_TOO_LONG;
	memcpy(ret_at, at, (size_t)n + 1);
	return 0;
}
