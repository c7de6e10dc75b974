/* keys - CURVE keys in files of one directory: who may talk on the bus, as what, and our own secret.
 *
 *     NAME.pub      public key of a party that is let in: it is trusted because the file is here
 *     NAME.secret   secret key of a program on this host, 0600
 *     NAME.revoked  not let in any more, whatever NAME.pub says
 *
 * The files are certificates as czmq's zcert and pyzmq's load_certificate read them (ZPL): sections metadata (name,
 * role) and curve (public-key, secret-key in Z85). The directory is 0700, its files 0600 and regular. Files are
 * replaced, never edited: a change of the directory's time is what keys_changed looks for.
 */
#ifndef NJ_IO_KEYS_H
#define NJ_IO_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "proto/event.h"

#define KEY_NAME_MAX 32 /* with its NUL */
#define KEY_TEXT_MAX 41 /* Z85 of 32 bytes, with its NUL */
#define KEYS_MAX 64
#define KEYS_REASON_MAX 300

struct key { /* a public one */
	char name[KEY_NAME_MAX];
	char public_text[KEY_TEXT_MAX];
	enum role role;
	bool revoked;
};

/* A secret key: in memory that is in no core dump, is not swapped out, and is wiped. */
struct key_secret {
	char public_text[KEY_TEXT_MAX], secret_text[KEY_TEXT_MAX];
	enum role role;
};

struct keys {
	char dir[256];
	struct key at[KEYS_MAX];
	size_t n;
	struct timespec changed; /* the directory's time when it was read */
	size_t unreadable;       /* files that were left out */
	char complaint[KEYS_REASON_MAX]; /* about the last one of them */
};

/* [a-z0-9_-]{1,31}: a file name in every place it is used. */
bool key_name_ok(const char *name);

/* Reads the directory. ERR_NOT_FOUND, ERR_REFUSED (rights), ERR_IO with a reason that names file and remedy. A single
 * file that cannot be used is left out and counted: it must not keep the others from being let in. */
int keys_load(const char *dir, struct keys *ret_keys, char *reason, size_t cap);
bool keys_changed(const struct keys *k);

/* By name, or by the public key's text; NULL where unknown. Revoked ones are found: look at revoked. */
const struct key *keys_find(const struct keys *k, const char *name);
const struct key *keys_who(const struct keys *k, const char *public_text);

/* Our own. ERR_NOT_FOUND, ERR_REFUSED, ERR_SYNTAX with a reason. keys_forget takes NULL. */
int keys_secret(const char *dir, const char *name, struct key_secret **ret_secret, char *reason, size_t cap);
void keys_forget(struct key_secret **secret_p);

/* This process holds secrets: no core dump, and nobody of this user but root looks into its memory. */
void keys_no_dumps(void);

/* Makes a pair and writes both files; the directory too, where it is not there. ERR_EXISTS where the name has one and
 * `replace` is not set. */
struct keys_new {
	const char *name;
	enum role role;
	bool replace;
};
int keys_make(const char *dir, const struct keys_new *n, char *reason, size_t cap);
/* From now on NAME is not let in; its secret on this host, if there is one, is removed. ERR_NOT_FOUND. */
int keys_revoke(const char *dir, const char *name, char *reason, size_t cap);

#endif
