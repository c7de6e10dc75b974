/* fs - the few file operations that everything kept on disk shares: folders, locks, whole reads
 * and writes.
 *
 * Functions return 0 or an ERR_ value and leave errno as the failing call set it, so that a caller
 * can put strerror(errno) into its sentence. Nothing is retried but EINTR of reads and writes,
 * where nothing happened.
 */
#ifndef NJ_IO_FS_H
#define NJ_IO_FS_H

#include <stddef.h>
#include <stdint.h>

/* Makes the folder and its missing parents (0700), each synced into its parent, and opens it. */
int fs_open_dir(const char *path, int *ret_dir_fd);
int fs_sync_dir(int dir_fd);

/* Takes the folder's lock file without waiting and writes our pid into it. ERR_BUSY: *ret_pid is
 * the holder's (0 unknown). The lock ends with the descriptor, so with the process. */
int fs_lock(int dir_fd, int *ret_fd, long *ret_pid);

/* All of it or an error; a short write without an error is continued. */
int fs_write_at(int fd, const void *bytes, size_t len, uint64_t offset);
/* The same where the descriptor stands: an appended file, a pipe. */
int fs_write(int fd, const void *bytes, size_t len);

/* A small file of the folder as a whole, by way of NAME.new: whoever reads it finds the one of before or the new one,
 * also after a power cut. Durable on return. */
int fs_put(const char *folder, const char *name, const void *bytes, size_t len);

/* Reads until len bytes or the end of the file. */
int fs_read_at(int fd, void *bytes, size_t len, uint64_t offset, size_t *ret_len);

/* Makes the file `size` bytes long with every block allocated (zeros), so that later writes find
 * their space. */
int fs_preallocate(int fd, uint64_t size);
/* Allocates what holes a file has below `size`; its bytes stay. A store into a mapped hole of a full
 * disk would be SIGBUS. */
int fs_fill_holes(int fd, uint64_t size);

int fs_size(int fd, uint64_t *ret_size);

/* Files named <prefix><20 digits><suffix>, by ascending number. */
#define FS_NAME_MAX 64
struct fs_list {
	uint64_t *at; /* owned */
	size_t n;
};
int fs_list(int dir_fd, const char *prefix, const char *suffix, struct fs_list *ret_list);
void fs_list_fini(struct fs_list *l);
void fs_name(char out[FS_NAME_MAX], const char *prefix, uint64_t number, const char *suffix);

/* Removes every file whose name starts and ends so (what a crash left behind). Fails only where
 * the folder cannot be read. */
int fs_remove_all(int dir_fd, const char *prefix, const char *suffix);

#endif
