/* tls - the server's side of TLS over a non-blocking socket; the only file here that sees OpenSSL.
 */
#ifndef NJ_SIM_TLS_H
#define NJ_SIM_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct tls_server; /* certificate and key */
struct tls;        /* one connection */

/* PEM files. ERR_NOT_FOUND where one cannot be read, ERR_TLS where they do not fit; reason says
 * why. */
int tls_server_new(const char *cert, const char *key, struct tls_server **ret_server, char *reason,
		   size_t cap);
void tls_server_free(struct tls_server *s);

/* The descriptor stays the caller's. ERR_NOMEM. */
int tls_new(struct tls_server *s, int fd, struct tls **ret_tls);
void tls_free(struct tls *t); /* NULL is fine */

/* 0 with *ret_n > 0; ERR_AGAIN; ERR_CLOSED: the peer's end of data; ERR_TLS, ERR_IO. The handshake
 * happens inside. */
int tls_read(struct tls *t, void *out, size_t cap, size_t *ret_n);
int tls_write(struct tls *t, const void *bytes, size_t len, size_t *ret_n);
/* The last ERR_AGAIN waits for room to write, whatever was called. */
bool tls_wants_write(const struct tls *t);
void tls_end(struct tls *t); /* sends close_notify, does not wait */

#endif
