/* peer - a scripted server for tests: a thread a connection, plain or TLS. */
#ifndef NJ_TESTS_PEER_H
#define NJ_TESTS_PEER_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"

#define PEER_CONNS_MAX 600

struct peer;

struct peer_conn {
	struct peer *peer;
	int fd, number; /* number: from 0, in the order of acceptance */
	SSL *ssl;       /* NULL where plain */
	pthread_t thread;
};

struct peer {
	int fd;
	uint16_t port;
	SSL_CTX *tls;
	void (*serve)(struct peer_conn *c, void *ctx);
	void *ctx;
	pthread_t thread;
	atomic_int conns;
	atomic_bool stop;
	struct peer_conn conn[PEER_CONNS_MAX];
};

/* ---- bytes ---- */

static inline bool peer_write(struct peer_conn *c, const void *at, size_t len)
{
	const char *p = at;

	while (len > 0) {
		ssize_t n =
			c->ssl ? SSL_write(c->ssl, p, (int)len) : send(c->fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static inline bool peer_text(struct peer_conn *c, const char *text)
{
	return peer_write(c, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static inline bool peer_printf(struct peer_conn *c,
								     const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return peer_text(c, text);
}

/* Bytes read, 0 at the end or an error. */
static inline size_t peer_read(struct peer_conn *c, void *at, size_t cap)
{
	ssize_t n = c->ssl ? SSL_read(c->ssl, at, (int)cap) : recv(c->fd, at, cap, 0);

	return n > 0 ? (size_t)n : 0;
}

static inline bool peer_read_all(struct peer_conn *c, void *at, size_t len)
{
	char *p = at;

	while (len > 0) {
		size_t n = peer_read(c, p, len);

		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/* A request's head into a text of cap bytes; false where the client is gone. */
static inline bool peer_head(struct peer_conn *c, char *text, size_t cap)
{
	size_t len = 0;

	while (len + 1 < cap && peer_read(c, text + len, 1) == 1) {
		text[++len] = '\0';
		if (len >= 4 && strcmp(text + len - 4, "\r\n\r\n") == 0)
			return true;
	}
	return false;
}

/* Waits until the client closes, dropping what it sends. */
static inline void peer_drain(struct peer_conn *c)
{
	char dump[4096];

	while (peer_read(c, dump, sizeof dump) > 0)
		;
}

static inline void peer_reset(struct peer_conn *c)
{
	struct linger hard = {.l_onoff = 1};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

/* Waits, unless the client goes away before: false then. */
static inline bool peer_wait_ms(struct peer_conn *c, int ms)
{
	struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

	return poll(&p, 1, ms) == 0 && !c->peer->stop;
}

static inline int64_t peer_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Value of a request header into out; false where absent. */
static inline bool peer_header(const char *head, const char *name, char *out, size_t cap)
{
	const char *at = strcasestr(head, name);
	size_t n;

	if (!at || at[strlen(name)] != ':')
		return false;
	at += strlen(name) + 1;
	at += strspn(at, " ");
	n = strcspn(at, "\r\n");
	if (n >= cap)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return true;
}

/* ---- life ---- */

static inline void *peer_conn_main(void *arg)
{
	struct peer_conn *c = arg;

	if (c->peer->tls) {
		c->ssl = SSL_new(c->peer->tls);
		SSL_set_fd(c->ssl, c->fd);
		if (SSL_accept(c->ssl) == 1)
			c->peer->serve(c, c->peer->ctx);
		SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	} else {
		c->peer->serve(c, c->peer->ctx);
	}
	close(c->fd);
	return NULL;
}

static inline void *peer_main(void *arg)
{
	struct peer *p = arg;

	for (;;) {
		int fd = accept(p->fd, NULL, NULL), one = 1, n = p->conns;

		if (fd < 0)
			return NULL;
		if (p->stop || n == PEER_CONNS_MAX) {
			close(fd);
			return NULL;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		p->conn[n] = (struct peer_conn){.peer = p, .fd = fd, .number = n};
		must(pthread_create(&p->conn[n].thread, NULL, peer_conn_main, &p->conn[n]) == 0);
		p->conns++;
	}
}

static inline void peer_start(struct peer *p, void (*serve)(struct peer_conn *, void *), void *ctx)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;

	p->serve = serve;
	p->ctx = ctx;
	p->conns = 0;
	p->stop = false;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(p->fd >= 0 && bind(p->fd, (struct sockaddr *)&a, sizeof a) == 0 &&
	     listen(p->fd, 128) == 0);
	must(getsockname(p->fd, (struct sockaddr *)&a, &len) == 0);
	p->port = ntohs(a.sin_port);
	must(pthread_create(&p->thread, NULL, peer_main, p) == 0);
}

/* The clients must be gone, or about to go. */
static inline void peer_stop(struct peer *p)
{
	p->stop = true;
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	for (int i = 0; i < p->conns; i++)
		pthread_join(p->conn[i].thread, NULL);
	close(p->fd);
	SSL_CTX_free(p->tls);
	p->tls = NULL;
}

/* ---- certificates ---- */

struct peer_cert {
	char path[64]; /* PEM of the certificate: its own CA */
	X509 *x509;
	EVP_PKEY *key;
};

/* names: "DNS:localhost,IP:127.0.0.1". */
static inline void peer_cert_make(struct peer_cert *c, const char *names)
{
	X509_EXTENSION *ext;
	FILE *f;
	int fd;

	c->key = EVP_EC_gen("P-256");
	c->x509 = X509_new();
	must(c->key && c->x509);
	X509_set_version(c->x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c->x509), 1);
	X509_gmtime_adj(X509_getm_notBefore(c->x509), -60);
	X509_gmtime_adj(X509_getm_notAfter(c->x509), 3600);
	X509_set_pubkey(c->x509, c->key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c->x509), "CN", MBSTRING_ASC,
				   (const unsigned char *)"nightjar test", -1, -1, 0);
	X509_set_issuer_name(c->x509, X509_get_subject_name(c->x509));
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	must(ext && X509_add_ext(c->x509, ext, -1));
	X509_EXTENSION_free(ext);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	must(ext && X509_add_ext(c->x509, ext, -1));
	X509_EXTENSION_free(ext);
	must(X509_sign(c->x509, c->key, EVP_sha256()) > 0);
	snprintf(c->path, sizeof c->path, "/tmp/nj-peer-XXXXXX");
	fd = mkstemp(c->path);
	must(fd >= 0);
	f = fdopen(fd, "w");
	must(f && PEM_write_X509(f, c->x509) == 1 && fclose(f) == 0);
}

static inline void peer_cert_free(struct peer_cert *c)
{
	unlink(c->path);
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
}

static inline void peer_use_tls(struct peer *p, const struct peer_cert *c)
{
	p->tls = SSL_CTX_new(TLS_server_method());
	must(p->tls && SSL_CTX_use_certificate(p->tls, c->x509) == 1 &&
	     SSL_CTX_use_PrivateKey(p->tls, c->key) == 1);
}

#endif
