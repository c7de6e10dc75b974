/* usage - what this process takes of the machine: memory, threads, descriptors, processor time.
 *
 * Resident memory has three parts, and they mean different things. Anonymous pages are what the
 * process has written for itself: only here can it leak. Shared pages are of shm and tmpfs; mapped
 * files lie in the page cache, are counted for every process that maps them, and go when somebody
 * needs the memory. So what is judged is anonymous plus shared, and files are told beside it.
 */
#ifndef NJ_IO_USAGE_H
#define NJ_IO_USAGE_H

#include <stdint.h>

struct usage {
	uint64_t rss;     /* bytes resident: anonymous, shared and mapped files */
	uint64_t anon;    /* bytes of it that are no file's */
	uint64_t heap;    /* bytes handed out by malloc, touched or not; 0 where it does not say (asan) */
	uint64_t cpu_ns;  /* processor time since the start */
	uint64_t threads;
	uint64_t fds;     /* open descriptors */
};

/* What could not be read is 0. About 50 us. */
void usage_read(struct usage *ret_usage);

/* So many descriptors as this user may have, 65,536 at most: libzmq cannot take connections without, and spins where it
 * cannot (Z16). Returns what it is now; 0 unknown. */
uint64_t usage_raise_descriptors(void);

/* Before the first thread: malloc gives back what it can, and keeps few arenas. */
void usage_tame_malloc(void);

#endif
