/* tls - TLS over a non-blocking socket: OpenSSL's calls and errors in our terms. */
#include "tools/venue_sim/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/err.h"

struct tls_server {
	SSL_CTX *ctx; /* owned */
};

struct tls {
	SSL *ssl; /* owned */
	bool wants_write;
};

static int refuse(const char *what, char *reason, size_t cap)
{
	char text[160];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	snprintf(reason, cap, "%s: %s", what, text);
	return ERR_TLS;
}

static int load(SSL_CTX *ctx, const char *cert, const char *key, char *reason, size_t cap)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return refuse(cert, reason, cap);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return refuse(key, reason, cap);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return refuse(key, reason, cap);
	return 0;
}

int tls_server_new(const char *cert, const char *key, struct tls_server **ret_server, char *reason,
		   size_t cap)
{
	struct tls_server *s;
	int rc;

	if (access(cert, R_OK) != 0 || access(key, R_OK) != 0) {
		snprintf(reason, cap, "%s, %s: cannot be read", cert, key);
		return ERR_NOT_FOUND;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return ERR_NOMEM;
	s->ctx = SSL_CTX_new(TLS_server_method());
	rc = s->ctx == NULL ? ERR_NOMEM : load(s->ctx, cert, key, reason, cap);
	if (rc != 0) {
		tls_server_free(s);
		return rc;
	}
	SSL_CTX_set_min_proto_version(s->ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(s->ctx,
			 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	*ret_server = s;
	return 0;
}

void tls_server_free(struct tls_server *s)
{
	if (s == NULL)
		return;
	SSL_CTX_free(s->ctx);
	free(s);
}

int tls_new(struct tls_server *s, int fd, struct tls **ret_tls)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return ERR_NOMEM;
	t->ssl = SSL_new(s->ctx);
	if (t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1) {
		tls_free(t);
		return ERR_NOMEM;
	}
	SSL_set_accept_state(t->ssl);
	*ret_tls = t;
	return 0;
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}

static int outcome(struct tls *t, int rc)
{
	int why = SSL_get_error(t->ssl, rc);

	ERR_clear_error();
	t->wants_write = why == SSL_ERROR_WANT_WRITE;
	switch (why) {
	case SSL_ERROR_NONE: return 0;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE: return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN: return ERR_CLOSED;
	case SSL_ERROR_SYSCALL: return ERR_IO;
	default: return ERR_TLS;
	}
}

int tls_read(struct tls *t, void *out, size_t cap, size_t *ret_n)
{
	return outcome(t, SSL_read_ex(t->ssl, out, cap, ret_n));
}

int tls_write(struct tls *t, const void *bytes, size_t len, size_t *ret_n)
{
	return outcome(t, SSL_write_ex(t->ssl, bytes, len, ret_n));
}

bool tls_wants_write(const struct tls *t)
{
	return t->wants_write;
}

void tls_end(struct tls *t)
{
	if (SSL_is_init_finished(t->ssl))
		SSL_shutdown(t->ssl);
	ERR_clear_error();
}
