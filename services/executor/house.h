/* house - several paper accounts in one core: each an executor of its own, side by side.
 *
 * Accounts share nothing but their inputs. Every market event goes to all of them, in the order of the settings; an
 * intent only means something to the account that it names. Commands go to all: each knows which are for it, but the
 * kill switch is everybody's, whatever account it names. What they say at one instant comes out in the order of the
 * accounts. So what an account does never depends on which others there are: a house of several is, account by account,
 * the houses of one (unit.executor.house compares them).
 *
 * Each keeps its own copy of the books, because what it has taken from them, and when a book is fresh, are its own:
 * memory and work grow with the number of accounts.
 *
 * State: of one account that account's, as it always was; of several each one's bytes under its name. An account that
 * a state does not know yet begins as a new one, with the markets of the first, so that it does not wait for
 * announcements that may never come again.
 */
#ifndef NJ_EXECUTOR_HOUSE_H
#define NJ_EXECUTOR_HOUSE_H

#include "services/executor/core.h"

#define HOUSE_MAX 8

struct house;

/* ERR_RANGE: a setting is out of its range, or a name is there twice; ERR_NOMEM. n is 1 to HOUSE_MAX. */
int house_new(const struct executor_settings *s, uint32_t n, struct house **ret_house);
void house_free(struct house *h); /* NULL is fine */

/* Takes a struct house. load: ERR_DIFFERS where the state has an account that is not here. */
extern const struct core_ops house_core;

uint32_t house_count(const struct house *h);
struct executor *house_at(struct house *h, uint32_t i); /* in the order of the settings */

/* Of all together: sums, and the strongest state of trading with who and why. */
const struct executor_counters *house_counters(struct house *h);
enum trading house_trading(const struct house *h);
void house_describe(const struct house *h, struct ev_trading_state *ret_state);
bool house_all_killed(const struct house *h);
bool house_stands(const struct house *h, int64_t now, char *text); /* as executor_stands */
bool house_liquidated(const struct house *h, int64_t now); /* any of them, within the last hour (loud.h) */
bool house_assumes_anew(const struct house *h); /* any of them, as executor_assumes_anew */
bool house_safe_for(const struct house *h, const char *cause);
uint64_t house_open_orders(const struct house *h);
uint32_t house_cancelled_by_hand(const struct house *h);
bool house_has(const struct house *h, const char *account);
void house_names(const struct house *h, char *text, size_t cap); /* "main, hedge" */
/* The states of trading that a command for this account ("": all) led to: "running", "hedge paused, main running". */
void house_say(const struct house *h, const char *account, char *text, size_t cap);

#endif
