/* dialect_bybit_linear - the table of Bybit's linear perpetuals: as spot, but for what is read and opened. */
#include "common/io/clock.h"
#include "tools/venue_sim/bybit.h"

const struct dialect dialect_bybit_linear = {
	.name = "BYBIT-PERP",
	.doc = "Bybit v5, linear perpetuals",
	.line = bybit_line_linear,
	.reply = bybit_reply_linear,
	.ws_open = bybit_ws_open_linear,
	BYBIT_DIALECT,
};
