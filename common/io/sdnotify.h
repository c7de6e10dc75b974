/* sdnotify - tells a service manager how we are: systemd's notification protocol, sd_notify(3).
 *
 * The address comes from NOTIFY_SOCKET, the watchdog's interval from WATCHDOG_USEC; without them
 * nobody asked and nothing is sent. Never blocks.
 */
#ifndef NJ_IO_SDNOTIFY_H
#define NJ_IO_SDNOTIFY_H

#include <stdint.h>

/* state: "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…", several separated by newlines.
 * ERR_NOT_FOUND where nobody asked; ERR_ARG (an address that is none: neither a path nor '@' and an
 * abstract name), ERR_AGAIN (the manager's queue is full), ERR_IO. */
int sdnotify(const char *state);

/* How often WATCHDOG=1 must come at least, in ns; send it twice as often. 0 where nobody asked, or
 * another process is meant (WATCHDOG_PID). */
int64_t sdnotify_watchdog_ns(void);

#endif
