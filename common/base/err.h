/* err - every error the code can return, with name and text from one table (err.def).
 *
 * Functions return 0 or a negative ERR_ value. A failed call leaves its ret_ parameters untouched.
 */
#ifndef NJ_BASE_ERR_H
#define NJ_BASE_ERR_H

enum err_ordinal {
	ERR_ORDINAL_OK = 0,
#define ERR(name, text) ERR_ORDINAL_##name,
#include "common/base/err.def"
#undef ERR
	ERR_ORDINALS
};

enum {
#define ERR(name, text) ERR_##name = -(int)ERR_ORDINAL_##name,
#include "common/base/err.def"
#undef ERR
};

/* Name ("ERR_FULL") and text of an error; 0 is "OK". Never NULL; unknown values say so. */
const char *err_name(int err);
const char *err_text(int err);

/* The ERR_ value that stands for an errno, ERR_IO where none is closer; never 0. */
int err_from_errno(int errnum);

#endif
