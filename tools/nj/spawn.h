/* spawn - runs a program to its end and keeps what it says. */
#ifndef NJ_TOOLS_NJ_SPAWN_H
#define NJ_TOOLS_NJ_SPAWN_H

#include "common/base/buf.h"

/* argv[0] is a path. Appends what it writes to descriptor fd (1 or 2) to out; its other output is thrown away. 0 and
 * its exit code; ERR_NOT_FOUND …: it could not be run; ERR_IO: a signal ended it; ERR_FULL: it said more than fits. */
int spawn_read(char *const *argv, int fd, struct buf *out, int *ret_code);

/* Runs a shell command with these bytes as its standard input and appends its standard output to out. Its standard
 * error is ours. Same errors. */
int spawn_filter(const char *command, const void *bytes, size_t len, struct buf *out, int *ret_code);

#endif
