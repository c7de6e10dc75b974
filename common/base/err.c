/* err - names and texts of the error table, and the way from errno into it. */
#include "common/base/err.h"

#include <errno.h>

struct row {
	const char *name, *text;
};

static const struct row rows[ERR_ORDINALS] = {
	{"OK", "no error"},
#define ERR(name, text) {"ERR_" #name, text},
#include "common/base/err.def"
#undef ERR
};

/* Compared before the sign is turned: -INT_MIN does not exist. */
static const struct row *find(int err)
{
	static const struct row unknown = {"ERR_?", "an error that is not in the table"};

	return err <= 0 && err > -(int)ERR_ORDINALS ? &rows[-err] : &unknown;
}

const char *err_name(int err)
{
	return find(err)->name;
}

const char *err_text(int err)
{
	return find(err)->text;
}

static int from_network(int errnum)
{
	switch (errnum) {
	case EPIPE:
	case ECONNRESET:
	case ECONNABORTED:
	case ENOTCONN:
		return ERR_CLOSED;
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
		return ERR_CONNECT;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	default:
		return ERR_IO;
	}
}

int err_from_errno(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case ENOMEM:
		return ERR_NOMEM;
	case ENOENT:
		return ERR_NOT_FOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EBUSY:
	case ETXTBSY:
	case EADDRINUSE:
		return ERR_BUSY;
	case EAGAIN:
		return ERR_AGAIN;
	case EACCES:
	case EPERM:
		return ERR_REFUSED;
	case EINVAL:
	case EBADF:
		return ERR_ARG;
	case ENAMETOOLONG:
		return ERR_TOO_LONG;
	case EOVERFLOW:
	case ERANGE:
		return ERR_RANGE;
	default:
		return from_network(errnum);
	}
}
