/* sim - the whole simulator: its source, what is played of it, who listens. One process, one loop.
 */
#ifndef NJ_SIM_SIM_H
#define NJ_SIM_SIM_H

#include "common/io/loop.h"
#include "tools/venue_sim/asked.h"
#include "tools/venue_sim/desk.h"
#include "tools/venue_sim/dialect.h"
#include "tools/venue_sim/faults.h"
#include "tools/venue_sim/limits.h"
#include "tools/venue_sim/manners.h"
#include "tools/venue_sim/options.h"
#include "tools/venue_sim/player.h"
#include "tools/venue_sim/tls.h"
#include "tools/venue_sim/truth.h"
#include "tools/venue_sim/wallet.h"

#define SIM_SESSIONS_MAX 64
#define SIM_INFO_MAX ((size_t)64 << 20)

struct session;

struct sim {
	const struct options *o;
	struct loop *loop;
	const struct dialect *dialect;
	struct market_options market;
	struct feed_source source;
	struct recording rec;
	struct buf
		info; /* exchangeInfo of --exchange-info, else of the recording; empty: derived */
	struct strmap listed; /* struct text, by symbol: its element of info */
	bool catalogued;      /* info was told by control: what it does not list there is not */
	struct player player; /* the one that clients without stamps share */
	struct fold live;     /* what it has played */
	struct asked asked;   /* for requests with a stamp */
	struct limits limits;
	struct faults faults;
	struct truth truth;
	struct wallet wallet;
	struct desk desk; /* --trading; else empty */
	struct manners manners;
	struct strmap renumbered; /* uint64_t by symbol: taken off the update ids of a service that restarted */
	struct tls_server *tls; /* NULL: plain */
	int listen_fd;
	struct loop_source *listen_source, *tick;
	struct session *session[SIM_SESSIONS_MAX]; /* owned; NULL: free */
	struct buf scratch, rendered;              /* one frame in the making; as it is for one client */
	bool any_ended;                            /* a player has reached the end */
	uint16_t port;
};

/* Scans the source; ERR_ values of the parts with a reason. */
int sim_init(struct sim *sim, const struct options *o, struct loop *l, char *reason, size_t cap);
void sim_fini(struct sim *sim);

/* "replay" or "simulated": the text of X-Nightjar-Simulator. */
const char *sim_origin(const struct sim *sim);
/* Event time that a client without stamps lives in, ns. */
int64_t sim_now(const struct sim *sim);
/* A client has subscribed: the shared player starts, or goes on, once there are enough streams. */
void sim_listener(struct sim *sim);
/* A session is over; frees it. */
void sim_drop(struct sim *sim, struct session *s);
/* Some player is at its end. */
void sim_ended(struct sim *sim);

/* server: the listening socket and what ticks. Address in options; ERR_IO and errno's kin with a
 * reason. */
int server_open(struct sim *sim, char *reason, size_t cap);
void server_close(struct sim *sim);

#endif
