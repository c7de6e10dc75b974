/* reply - one HTTP reply in the making. */
#include "tools/venue_sim/reply.h"

#include <stdarg.h>
#include <stdio.h>

#define HEADERS_MAX ((size_t)16 * 1024)
#define BODY_MAX ((size_t)48 * 1024 * 1024)

static const struct {
	int status;
	const char *text;
} reasons[] = {
	{101, "Switching Protocols"},
	{200, "OK"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{413, "Content Too Large"},
	{418, "I'm a teapot"},
	{426, "Upgrade Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
};

static const char *reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Status";
}

void reply_init(struct reply *r)
{
	*r = (struct reply){.status = 200};
	buf_init(&r->headers, HEADERS_MAX);
	buf_init(&r->body, BODY_MAX);
}

void reply_fini(struct reply *r)
{
	buf_fini(&r->headers);
	buf_fini(&r->body);
}

void reply_status(struct reply *r, int status)
{
	r->status = status;
	buf_clear(&r->body);
}

void reply_header(struct reply *r, const char *name, const char *format, ...)
{
	char value[256];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	buf_printf(&r->headers, "%s: %s\r\n", name, value);
}

int reply_write(const struct reply *r, const char *simulator, bool keep_alive, struct buf *out)
{
	int rc = buf_printf(out,
			    "HTTP/1.1 %d %s\r\n"
			    "Content-Type: %s\r\n"
			    "Content-Length: %zu\r\n"
			    "Connection: %s\r\n"
			    "X-Nightjar-Simulator: %s\r\n",
			    r->status, reason(r->status),
			    r->type != NULL ? r->type : "application/json;charset=UTF-8",
			    r->body.len, keep_alive ? "keep-alive" : "close", simulator);
	if (rc == 0)
		rc = buf_append(out, r->headers.at, r->headers.len);
	if (rc == 0)
		rc = buf_append(out, "\r\n", 2);
	if (rc == 0)
		rc = buf_append(out, r->body.at, r->body.len);
	return rc;
}
