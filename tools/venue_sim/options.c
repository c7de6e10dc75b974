/* options - the command line of venue_sim: one row for each option, which is its help too. */
#include "tools/venue_sim/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/io/clock.h"
#include "tools/venue_sim/dialect.h"
#include "tools/venue_sim/faults.h"

enum option_id {
	OPT_LISTEN = 256,
	OPT_PORT_FILE,
	OPT_CAPTURE,
	OPT_SPEED,
	OPT_SEED,
	OPT_SYMBOLS,
	OPT_RATE,
	OPT_START,
	OPT_DURATION,
	OPT_TLS,
	OPT_INFO,
	OPT_FAULTS,
	OPT_EXIT_AT_END,
	OPT_NOTE,
	OPT_DRAIN,
	OPT_PING,
	OPT_PONG,
	OPT_ROTATE,
	OPT_WEIGHT,
	OPT_VENUE,
	OPT_CLIENT_KEY,
	OPT_ACCOUNT,
	OPT_TRADING,
	OPT_IDLE,
	OPT_START_AT,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION
};

static const struct row {
	const char *name, *value, *doc;
	int id;
} rows[] = {
	{"listen", "HOST:PORT",
	 "address to serve; port 0 takes a free one and prints it (127.0.0.1:0)", OPT_LISTEN},
	{"venue", "NAME", "whose protocol to speak; the list stands below (BINANCE)", OPT_VENUE},
	{"port-file", "FILE", "write the port there once it listens", OPT_PORT_FILE},
	{"capture", "FILES",
	 "recordings to play, comma separated; without it a market is generated", OPT_CAPTURE},
	{"exchange-info", "FILE",
	 "exchangeInfo to serve: a JSON body, or a recording that holds one", OPT_INFO},
	{"speed", "1|N|max",
	 "event time against the clock; max: as fast as the clients take it (1)", OPT_SPEED},
	{"symbols", "A,B", "generated market: its symbols (BTCUSDT,ETHUSDT or what the venue is for)", OPT_SYMBOLS},
	{"seed", "N", "generated market: the same seed, start and symbols give the same bytes (1)",
	 OPT_SEED},
	{"rate", "N", "generated market: actions a second and symbol (20)", OPT_RATE},
	{"start", "NS", "generated market: event time of its beginning (the clock at start)",
	 OPT_START},
	{"duration", "SECONDS", "generated market: event time until its end (endless)",
	 OPT_DURATION},
	{"tls", "CERT,KEY", "serve TLS with these PEM files", OPT_TLS},
	{"faults", "LIST", "misbehave: KIND@FRAMES[:STREAM][*COUNT][=VALUE], comma separated",
	 OPT_FAULTS},
	{"drain-ms", "MS",
	 "event time from the last frame to the end marker of stamped clients (5000)", OPT_DRAIN},
	{"ping-ms", "MS", "interval of WebSocket pings (20000)", OPT_PING},
	{"pong-ms", "MS", "a client silent for so long after a ping is cut (60000)", OPT_PONG},
	{"rotate-s", "SECONDS", "end every WebSocket connection after so long (never)", OPT_ROTATE},
	{"weight-limit", "N", "request weight a minute (as exchangeInfo says, else 6000)",
	 OPT_WEIGHT},
	{"idle-ms", "MS", "cut a client that should ping and says nothing for so long (as the venue has it)", OPT_IDLE},
	{"client-key", "FILE", "PEM of the public key that signs handshakes (not checked)", OPT_CLIENT_KEY},
	{"account", "FILE",
	 "BINANCE, BINANCE-PERP, KALSHI: serve a customer's account: id, secret, ASSET FREE LOCKED (none)",
	 OPT_ACCOUNT},
	{"trading", NULL, "BINANCE: the customer of --account may place orders, too", OPT_TRADING},
	{"start-at", "N", "begin a recording when clients have subscribed to N streams (1)", OPT_START_AT},
	{"exit-at-end", NULL, "end when the recording has been played to every client",
	 OPT_EXIT_AT_END},
	{"origin-note", "TEXT", "free text for /nightjar/state", OPT_NOTE},
	{"quiet", NULL, "log warnings and errors only", OPT_QUIET},
	{"help", NULL, "print this", OPT_HELP},
	{"version", NULL, "print the version", OPT_VERSION},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *name_of(int id)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].id == id)
			return rows[i].name;
	return "?";
}

static int bad(int id, const char *value, const char *why, char *reason, size_t cap)
{
	snprintf(reason, cap, "--%s %s: %s", name_of(id), value, why);
	return ERR_ARG;
}

/* Decimal text in units of `unit` ns (or 1), "2.5" allowed; not negative. */
static int amount(const char *text, int64_t unit, int64_t *ret_value)
{
	int64_t scaled;
	int rc = fixed_parse(text, strlen(text), 3, &scaled);

	if (rc == 0 && scaled >= 0)
		rc = fixed_mul(scaled, 3, unit, 0, 0, &scaled);
	if (rc != 0 || scaled < 0)
		return ERR_ARG;
	*ret_value = scaled;
	return 0;
}

static int whole(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
	int64_t value;

	if (fixed_parse(text, strlen(text), 0, &value) != 0 || value < min || value > max)
		return ERR_ARG;
	*ret_value = value;
	return 0;
}

static int split_tls(struct options *o, const char *value)
{
	const char *comma = strchr(value, ',');

	if (comma == NULL || comma == value || comma[1] == '\0' ||
	    (size_t)(comma - value) >= sizeof(o->tls_cert) ||
	    strlen(comma + 1) >= sizeof(o->tls_key))
		return ERR_ARG;
	snprintf(o->tls_cert, sizeof(o->tls_cert), "%.*s", (int)(comma - value), value);
	snprintf(o->tls_key, sizeof(o->tls_key), "%s", comma + 1);
	return 0;
}

static int set_number(struct options *o, int id, const char *value)
{
	int64_t n = 0;
	int rc;

	switch (id) {
	case OPT_SPEED:
		if (strcmp(value, "max") == 0) {
			o->speed = 0;
			return 0;
		}
		return whole(value, 1, 1000000, &o->speed);
	case OPT_SEED:
		rc = whole(value, 0, INT64_MAX, &n);
		o->seed = (uint64_t)n;
		return rc;
	case OPT_RATE:
		rc = whole(value, 1, 100000, &n);
		o->rate = (uint32_t)n;
		return rc;
	case OPT_START: return whole(value, 0, INT64_MAX / 2, &o->start);
	case OPT_DURATION: return amount(value, NS_PER_S, &o->duration);
	case OPT_DRAIN: return amount(value, NS_PER_MS, &o->drain_ns);
	case OPT_PING: return amount(value, NS_PER_MS, &o->ping_ns);
	case OPT_PONG: return amount(value, NS_PER_MS, &o->pong_ns);
	case OPT_IDLE: return amount(value, NS_PER_MS, &o->idle_ns);
	case OPT_START_AT:
		rc = whole(value, 0, 1000000, &n);
		o->start_at = (uint32_t)n;
		return rc;
	case OPT_ROTATE: return amount(value, NS_PER_S, &o->rotate_ns);
	default: return whole(value, 0, INT64_MAX, &o->weight_limit);
	}
}

static int set(struct options *o, int id, const char *value)
{
	switch (id) {
	case OPT_LISTEN: o->listen = value; return 0;
	case OPT_PORT_FILE: o->port_file = value; return 0;
	case OPT_CAPTURE: o->capture = value; return 0;
	case OPT_INFO: o->exchange_info = value; return 0;
	case OPT_SYMBOLS: o->symbols = value; return 0;
	case OPT_CLIENT_KEY: o->client_key = value; return 0;
	case OPT_ACCOUNT: o->account = value; return 0;
	case OPT_TRADING: o->trading = true; return 0;
	case OPT_VENUE: o->venue = value; return dialect_find(value) != NULL ? 0 : ERR_ARG;
	case OPT_FAULTS: o->faults = value; return 0;
	case OPT_NOTE: o->origin_note = value; return 0;
	case OPT_EXIT_AT_END: o->exit_at_end = true; return 0;
	case OPT_QUIET: o->quiet = true; return 0;
	case OPT_HELP: o->help = true; return 0;
	case OPT_VERSION: o->version = true; return 0;
	case OPT_TLS: return split_tls(o, value);
	default: return set_number(o, id, value);
	}
}

int options_parse(struct options *o, int argc, char **argv, char *reason, size_t cap)
{
	struct option table[ROWS + 1] = {0};
	int id;

	*o = (struct options){.listen = "127.0.0.1:0",
			      .venue = "BINANCE",
			      .seed = 1,
			      .speed = 1,
			      .rate = 20,
			      .drain_ns = 5 * NS_PER_S,
			      .ping_ns = 20 * NS_PER_S,
			      .pong_ns = 60 * NS_PER_S,
			      .origin_note = ""};
	for (size_t i = 0; i < ROWS; i++)
		table[i] = (struct option){rows[i].name,
					   rows[i].value ? required_argument : no_argument, NULL,
					   rows[i].id};
	optind = 0;
	opterr = 0;
	while ((id = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (id == '?') {
			snprintf(reason, cap, "%s: unknown, or its value is missing; see --help",
				 argv[optind > 0 ? optind - 1 : 0]);
			return ERR_ARG;
		}
		if (set(o, id, optarg) != 0)
			return bad(id, optarg, "not usable; see --help", reason, cap);
	}
	if (optind < argc) {
		snprintf(reason, cap, "%s: no such argument; see --help", argv[optind]);
		return ERR_ARG;
	}
	char host[64];
	uint16_t port;
	if (options_address(o->listen, host, sizeof(host), &port) != 0)
		return bad(OPT_LISTEN, o->listen, "not HOST:PORT", reason, cap);
	return 0;
}

void options_help(FILE *out)
{
	fprintf(out,
		"usage: venue_sim [options]\n"
		"A local exchange that speaks a venue's own REST and WebSocket protocol, from a\n"
		"recording or a seeded market. Everything is marked replay or simulated.\n"
		"\n");
	for (size_t i = 0; i < ROWS; i++) {
		char left[40];
		snprintf(left, sizeof(left), "--%s %s", rows[i].name,
			 rows[i].value ? rows[i].value : "");
		fprintf(out, "  %-24s %s\n", left, rows[i].doc);
	}
	fprintf(out, "\nvenues:\n");
	for (size_t i = 0; dialect_at(i) != NULL; i++)
		fprintf(out, "  %-24s %s\n", dialect_at(i)->name, dialect_at(i)->doc);
	fprintf(out, "\nfaults, of frames unless they say otherwise:\n");
	faults_help(out);
}

int options_address(const char *text, char *host, size_t cap, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':'), *from = text;
	size_t n;
	int64_t port;

	if (colon == NULL || colon == text)
		return ERR_ARG;
	n = (size_t)(colon - text);
	if (*from == '[' && colon[-1] == ']') {
		from++;
		n -= 2;
	}
	if (n == 0 || n >= cap || whole(colon + 1, 0, 65535, &port) != 0)
		return ERR_ARG;
	snprintf(host, cap, "%.*s", (int)n, from);
	*ret_port = (uint16_t)port;
	return 0;
}
