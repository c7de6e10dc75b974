/* book_save - a whole book in and out of the snapshot of a core's state, exact in every field. */
#ifndef NJ_VENUE_BOOK_SAVE_H
#define NJ_VENUE_BOOK_SAVE_H

#include "common/venue/book.h"
#include "proto/codec.h"

void book_save(const struct book *b, struct packer *p); /* errors stay in the packer */

/* Into a book made by book_init. ERR_CORRUPT, ERR_FULL (saved with a larger capacity), the
 * unpacker's errors; the book is empty then. */
int book_load(struct book *b, struct unpacker *u);

#endif
