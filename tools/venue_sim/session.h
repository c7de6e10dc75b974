/* session - one client: HTTP requests one after another, and perhaps a WebSocket from then on.
 *
 *     HTTP --upgrade--> WS --close frame either way--> CLOSING --> gone
 *     HTTP, WS --error, limit, fault--> gone
 */
#ifndef NJ_SIM_SESSION_H
#define NJ_SIM_SESSION_H

#include "tools/venue_sim/conn.h"
#include "tools/venue_sim/sim.h"
#include "tools/venue_sim/streams.h"

#define SESSION_MESSAGE_MAX 65536 /* bytes a client may send in one message */
#define SESSION_HOLD_NS (8 * NS_PER_S)
#define SESSION_IDLE_NS (60 * NS_PER_S) /* of an HTTP client between requests */
#define SESSION_ARRIVALS 32
#define SESSION_PROTOCOL "nightjar.stamped.v1"
#define SESSION_CHANNELS 8

/* A subscription with a sequence of its own (Kalshi's sid). */
struct channel {
	uint32_t sid; /* 0: not subscribed */
	uint64_t seq; /* of the newest frame */
};

enum session_mode { SESSION_HTTP, SESSION_WS, SESSION_CLOSING };

struct session {
	struct sim *sim;
	struct conn conn;
	uint32_t slot;
	enum session_mode mode;
	/* HTTP */
	bool held; /* the request at the front of conn.in waits for the player */
	int64_t held_until;
	/* WebSocket */
	bool combined;     /* frames keep their {"stream":…} wrapper */
	bool stamped;      /* each frame begins with its stamp; the player is its own */
	uint32_t start_at; /* streams that must be subscribed before the player starts */
	int64_t from;
	bool customer, customer_subscribed; /* on the account's WebSocket API (wallet.h) */
	unsigned route;    /* of a dialect that has several bases: which */
	struct channel channel[SESSION_CHANNELS];
	uint32_t last_sid;
	uint32_t counted; /* topics of the request at hand */
	struct streams streams;
	struct player player; /* of a stamped session */
	struct buf message;   /* fragments of one message */
	bool in_message;
	int64_t opened, pinged, heard; /* the loop's clock */
	bool waits_for_pong;
	char ping[24];                     /* payload of the last ping: only its echo counts */
	int64_t arrival[SESSION_ARRIVALS]; /* of the last incoming frames */
	uint32_t arrivals;
	/* faults in force */
	int64_t silent_until, delayed_until, close_at;
	bool drips; /* what is delayed goes a byte a tick */
	struct buf delayed;
	struct buf kept; /* a frame that waits until the next of its stream has gone */
	char kept_stream[STREAM_NAME_MAX];
	int64_t kept_stamp;
};

/* Takes the descriptor. ERR_FULL where all sessions are taken. */
int session_new(struct sim *sim, int fd);
void session_free(struct session *s);

/* Do its subscriptions bring frames of this stream? */
bool session_wants(const struct session *s, struct text stream);
/* And is it a WebSocket that takes them? */
bool session_hears(const struct session *s, struct text stream);
/* A frame as the client gets it where nothing goes wrong, once for each frame that is due: slices of the line, or of
 * `out`, whose bytes it replaces. ERR_NOT_FOUND: the client gets nothing of it. */
int session_render(struct session *s, const struct feed_line *line, struct buf *out, struct text *ret_frame);
bool session_has_room(const struct session *s);
/* One frame, through the faults. ERR_FULL: not taken. */
int session_deliver(struct session *s, const struct feed_line *line);
/* Counts a frame that the client has had already. */
void session_pass(struct session *s, const struct feed_line *line);
/* Looks again at a held request. */
void session_retry(struct session *s);
/* Pings, deadlines, delayed frames; every SIM tick. */
void session_tick(struct session *s, int64_t now);
/* A client that could not keep up at a paced speed. */
void session_overrun(struct session *s);

/* strikes: what a fault makes of a frame that is due; the frame as the client would have got it. */
int strikes_send(struct session *s, const struct feed_line *line, const struct fault *f, struct text frame,
		 enum truth_what *ret_what);
/* Sends what a reordering has kept back for the stream of this line. */
void strikes_release(struct session *s, const struct feed_line *line);

/* session_http */
void session_http(struct session *s);

/* session_ws: after a 101. */
int session_upgrade(struct session *s, const struct request *r, struct reply *reply);
void session_ws(struct session *s); /* incoming bytes */
/* One text frame; stamp < 0: no stamp of its own, "0 " in stamped mode. */
int session_text(struct session *s, int64_t stamp, struct text text);
/* Whole frames as they are, right or wrong. */
int session_bytes(struct session *s, const uint8_t *bytes, size_t len);
int session_frame(struct session *s, uint8_t opcode, const void *payload, size_t len);
void session_end(struct session *s, uint16_t code, const char *why);
/* Subscriptions have changed: start what must start. */
void session_subscribed(struct session *s);

/* control: the simulator's own endpoints; false where the path is not one of them. */
bool control_rest(struct sim *sim, const struct request *r, struct text body, struct reply *reply);

#endif
