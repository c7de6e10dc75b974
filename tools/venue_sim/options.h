/* options - the command line of venue_sim, as a struct. */
#ifndef NJ_SIM_OPTIONS_H
#define NJ_SIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct options {               /* texts point into argv */
	const char *listen;    /* HOST:PORT */
	const char *port_file; /* NULL: none */
	const char *capture;   /* NULL: the generated market */
	const char *exchange_info;
	const char *symbols; /* NULL: the venue's usual ones */
	const char *venue;
	const char *client_key; /* PEM of the public key that signs handshakes; NULL: not checked */
	const char *account;    /* file of the customer (wallet.h); NULL: none */
	const char *faults;
	const char *origin_note;
	char tls_cert[1024], tls_key[1024]; /* empty: plain */
	uint64_t seed;
	int64_t speed;    /* 0: as fast as the clients take it */
	int64_t start;    /* ns; generated market; 0: the clock */
	int64_t duration; /* ns; generated market; 0: endless */
	int64_t drain_ns; /* event time from the last frame to the end marker */
	int64_t ping_ns, pong_ns;
	int64_t rotate_ns;    /* connections live no longer; 0: for ever */
	int64_t idle_ns;      /* of clients that must speak; 0: as the venue has it */
	uint32_t start_at;    /* streams that must be subscribed before a recording starts */
	int64_t weight_limit; /* a minute; 0: as exchangeInfo says */
	uint32_t rate;        /* actions a second and symbol */
	bool exit_at_end;
	bool trading; /* the customer may place orders */
	bool help, version;
	bool quiet;
};

/* 0, or ERR_ARG with a reason. */
int options_parse(struct options *o, int argc, char **argv, char *reason, size_t cap);
void options_help(FILE *out);

/* Splits "HOST:PORT" or "[v6]:PORT"; ERR_ARG. */
int options_address(const char *text, char *host, size_t cap, uint16_t *ret_port);

#endif
