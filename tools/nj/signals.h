/* signals - SIGINT and SIGTERM as events of a loop, for verbs that run until they are told to end. */
#ifndef NJ_TOOLS_NJ_SIGNALS_H
#define NJ_TOOLS_NJ_SIGNALS_H

/* Blocks both and opens a descriptor that reads them; ignores SIGPIPE. Before any thread exists: every thread inherits
 * the mask. Errors of the system. */
int signals_open(int *ret_fd);
int signals_read(int fd); /* the signal's number; 0 none */

#endif
