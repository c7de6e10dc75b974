/* dialect_bybit_spot - the table of Bybit spot: as linear, but for what is read and opened. */
#include "common/io/clock.h"
#include "tools/venue_sim/bybit.h"

const struct dialect dialect_bybit_spot = {
	.name = "BYBIT",
	.doc = "Bybit v5, spot",
	.line = bybit_line_spot,
	.reply = bybit_reply_spot,
	.ws_open = bybit_ws_open_spot,
	BYBIT_DIALECT,
};
