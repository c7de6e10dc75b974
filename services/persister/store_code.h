/* store_code - what a result of SQLite's means here; for the store's own files. */
#ifndef NJ_PERSISTER_STORE_CODE_H
#define NJ_PERSISTER_STORE_CODE_H

/* 0 for SQLITE_OK, SQLITE_ROW and SQLITE_DONE; ERR_BUSY, ERR_NO_SPACE, ERR_CORRUPT, ERR_NOMEM, else ERR_IO. */
int store_code(int rc);

#endif
