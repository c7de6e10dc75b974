/* stack - a native stack as the file system shows it: settings, programs, who holds which lock.
 *
 * Every process of a stack holds bus.dir/NAME.lock as long as it lives, with its pid inside.
 */
#ifndef NJ_TOOLS_NJ_STACK_H
#define NJ_TOOLS_NJ_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/service/settings.h"
#include "tools/nj/cli.h"

#define STACK_MEMBERS_MAX 24
#define STACK_PATH_MAX 512
#define STACK_KEEPER "keeper"

struct stack_member {
	char name[40];
	pid_t pid;
};

struct stack {
	struct stack_member at[STACK_MEMBERS_MAX]; /* alive, by name */
	size_t n;
};

/* Reads the sections that all share (--config, --set, environment). CLI_OK, or CLI_USAGE, told. */
int stack_settings(const struct cli *cli, struct run_settings *ret_run);

/* Directory of this program: the services are beside it. ERR_NOT_FOUND, ERR_TOO_LONG. */
int stack_bin(char out[STACK_PATH_MAX]);

/* Who holds a lock in bus_dir now; empty where there is no such directory. */
void stack_scan(const char *bus_dir, struct stack *out);
const struct stack_member *stack_find(const struct stack *s, const char *name); /* NULL */

/* Takes bus_dir/NAME.lock for this process and signs it with its pid; bus_dir is made with mode
 * 0700. *ret_fd holds it until closed. ERR_BUSY where another does. */
int stack_lock(const char *bus_dir, const char *name, int *ret_fd);

/* Sends a signal to the member, or to its whole group where it leads one, if it still lives. */
void stack_signal(const char *bus_dir, const struct stack_member *m, int sig, bool group);

/* Directory and its parents, mode 0700. */
int stack_make_dirs(const char *path);

/* Where the services' logs are: log.dir, else the directory `logs` beside the bus. */
void stack_logs(const struct run_settings *run, char out[STACK_PATH_MAX]);

/* Waits without a clock: a pause between two looks. */
void stack_pause(int ms);

#endif
