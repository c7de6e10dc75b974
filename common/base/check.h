/* check - assertions about our own promises, always on.
 *
 * What the world gets wrong (bytes, settings, network, disk) is returned, never asserted.
 */
#ifndef NJ_BASE_CHECK_H
#define NJ_BASE_CHECK_H

/* Prints the failed promise to stderr and aborts. */
_Noreturn void check_failed(const char *expr, const char *file, int line, const char *func);

#define must(expr) ((expr) ? (void)0 : check_failed(#expr, __FILE__, __LINE__, __func__))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
