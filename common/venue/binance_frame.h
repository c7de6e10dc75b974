/* binance_frame - reading a frame of Binance's streams, whose keys are single letters.
 *
 * A frame is one object, perhaps inside {"stream":…,"data":…}. One pass collects the raw text of
 * each letter and the levels of both sides; then the event's kind decides what the letters mean.
 * Spot and futures write alike.
 */
#ifndef NJ_VENUE_BINANCE_FRAME_H
#define NJ_VENUE_BINANCE_FRAME_H

#include "common/venue/wire.h"

/* What is known of a scalar beside its text: nothing, that it is `true`, or its value: an integer, or a decimal at
 * the market's scale of prices or quantities. A value that is not known is read from the text by who asks for it. */
enum binance_known { BINANCE_TEXT, BINANCE_TRUE, BINANCE_INTEGER, BINANCE_PRICE, BINANCE_QTY, BINANCE_KNOWN };

#define BINANCE_LETTERS ('z' - 'A' + 1)

/* Scalars by their one-letter key, A to z. */
struct binance_letters {
	uint64_t present, known[BINANCE_KNOWN]; /* a bit for each letter */
	struct json_str text[BINANCE_LETTERS];
	uint64_t value[BINANCE_LETTERS];
};

struct binance_frame {
	struct wire w; /* its market: that of `symbol`, where we follow it */
	struct json_str stream, event, symbol, message, code;
	struct json_str previous, average; /* "pu" of a futures update, "ap" of a liquidation */
	struct json_str late[2];           /* "b" and "a" of a depth update that came before its symbol */
	struct levels side[2];
	int scale[BINANCE_KNOWN]; /* of the decimals that are read with their text; -1: they are not */
	bool has_side[2];
	bool has_result, has_levels_id, inside;
	struct binance_letters own, kline; /* kline: of "k" or "o". The last members: their texts are not cleared */
};

/* Reads a whole frame, of which j stands at the start. 0, the reader's error, or that of a level.
 */
int binance_read(struct binance_frame *f, struct json *j, struct venue_output *out);

/* Levels that came before their symbol are read now; both sides must be there. Errors are kept
 * in f->w. */
void binance_sides(struct binance_frame *f);

/* Index of a letter's text, or -1. */
static inline int binance_letter(char c)
{
	const uint64_t letters = 0x3ffffff03ffffff; /* 26, six that are none, 26 */
	unsigned i = (unsigned)c - 'A';

	return i < BINANCE_LETTERS && (letters >> i & 1) != 0 ? (int)i : -1;
}

static inline uint64_t binance_bit(char letter)
{
	return (uint64_t)1 << binance_letter(letter);
}

/* Is there a scalar under this letter, under each of these? Its text, empty where there is none. Was it `true`? */
static inline bool binance_has_one(const struct binance_letters *l, char letter)
{
	return l->present & binance_bit(letter);
}

static inline bool binance_true(const struct binance_letters *l, char letter)
{
	return l->known[BINANCE_TRUE] & binance_bit(letter);
}

static inline bool binance_has(const struct binance_letters *l, const char *all)
{
	for (; *all; all++)
		if (!binance_has_one(l, *all))
			return false;
	return true;
}

static inline struct json_str binance_text(const struct binance_letters *l, char letter)
{
	static const struct json_str none = {"", 0, false};

	return binance_has_one(l, letter) ? l->text[binance_letter(letter)] : none;
}

/* Is there true or false under this letter? (They have no text; numbers and words have.) */
static inline bool binance_is_flag(const struct binance_letters *l, char letter)
{
	return binance_has_one(l, letter) && binance_text(l, letter).len == 0;
}

/* A letter's value at the market's scales, or 0 with the first error kept in f->w. */
static inline int64_t binance_price(struct binance_frame *f, const struct binance_letters *l, char letter)
{
	if (l->known[BINANCE_PRICE] & binance_bit(letter))
		return (int64_t)l->value[binance_letter(letter)];
	return wire_price(&f->w, binance_text(l, letter));
}

static inline int64_t binance_qty(struct binance_frame *f, const struct binance_letters *l, char letter)
{
	if (l->known[BINANCE_QTY] & binance_bit(letter))
		return (int64_t)l->value[binance_letter(letter)];
	return wire_qty(&f->w, binance_text(l, letter));
}

static inline int64_t binance_cash(struct binance_frame *f, const struct binance_letters *l, char letter)
{
	return wire_cash(&f->w, binance_text(l, letter));
}

static inline uint64_t binance_id(struct binance_frame *f, const struct binance_letters *l, char letter)
{
	if (l->known[BINANCE_INTEGER] & binance_bit(letter))
		return l->value[binance_letter(letter)];
	return wire_id(&f->w, binance_text(l, letter));
}

static inline int64_t binance_time(struct binance_frame *f, const struct binance_letters *l, char letter)
{
	int64_t ns = 0;

	if (l->known[BINANCE_INTEGER] & binance_bit(letter)) {
		wire_note(&f->w, wire_time_of(l->value[binance_letter(letter)], &ns));
		return ns;
	}
	return wire_instant(&f->w, binance_text(l, letter));
}

/* The market that the stream's name is about, NULL where it names none we follow; and whether the
 * symbol inside the frame is another one. */
const struct venue_market *binance_stream_market(const struct binance_frame *f);
bool binance_contradicts(const struct binance_frame *f);

#endif
