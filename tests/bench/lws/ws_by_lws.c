/* ws_by_lws - what bench_ws compares with: libwebsockets as the receiver, built where Debian's libwebsockets-dev is.
 *
 * Takes the texts of a WebSocket server on loopback and prints how many came, bench_ws's sum over them and the CPU time
 * of this thread from the handshake to the last one, ns. Without BUFFER (bytes to receive at once) the library's own,
 * 4 KiB.
 *
 *     ws_by_lws PORT MESSAGES [BUFFER]
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libwebsockets.h>

#define TEXT_MAX 4096

static struct {
	char text[TEXT_MAX];
	size_t len;
	uint64_t messages, wanted, sum;
	double began, took;
	int failed;
} run;

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Most texts come in one piece: those are not copied. */
static void take(struct lws *wsi, const char *at, size_t len)
{
	bool whole = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;

	if (run.len > 0 || !whole) {
		if (len > sizeof run.text - run.len) {
			run.failed = 1;
			return;
		}
		memcpy(run.text + run.len, at, len);
		run.len += len;
		at = run.text;
		len = run.len;
	}
	if (!whole || len == 0)
		return;
	run.sum += (uint64_t)(uint8_t)at[0] * 7 + (uint64_t)(uint8_t)at[len / 2] * 3 + (uint8_t)at[len - 1] + len;
	run.len = 0;
	if (++run.messages == run.wanted)
		run.took = cpu_ns() - run.began;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len)
{
	(void)user;
	if (why == LWS_CALLBACK_CLIENT_ESTABLISHED)
		run.began = cpu_ns();
	else if (why == LWS_CALLBACK_CLIENT_RECEIVE)
		take(wsi, in, len);
	else if (why == LWS_CALLBACK_CLIENT_CONNECTION_ERROR || why == LWS_CALLBACK_CLIENT_CLOSED)
		run.failed = 1;
	return run.messages == run.wanted || run.failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	unsigned buffer = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	const struct lws_protocols protocols[] = {{.name = "bench", .callback = on_event, .rx_buffer_size = buffer},
						  {.name = NULL}};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols, .pt_serv_buf_size = buffer};
	struct lws_context *context;

	if (argc != 3 && argc != 4)
		return 2;
	run.wanted = strtoull(argv[2], NULL, 10);
	lws_set_log_level(LLL_ERR, NULL);
	context = lws_create_context(&info);
	if (context == NULL)
		return 1;
	struct lws_client_connect_info to = {.context = context,
					     .address = "127.0.0.1",
					     .port = (int)strtol(argv[1], NULL, 10),
					     .path = "/",
					     .host = "127.0.0.1",
					     .origin = "127.0.0.1",
					     .local_protocol_name = "bench"};
	run.failed = lws_client_connect_via_info(&to) == NULL;
	while (!run.failed && run.messages < run.wanted)
		run.failed |= lws_service(context, 0) < 0;
	printf("%" PRIu64 " %" PRIu64 " %.0f\n", run.messages, run.sum, run.took);
	lws_context_destroy(context);
	return run.messages == run.wanted ? 0 : 1;
}
