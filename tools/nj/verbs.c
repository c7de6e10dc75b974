/* verbs - the registry that the build writes: one VERB row for each file verb_NAME.c. */
#include "tools/nj/verbs.h"

#define VERB(name) extern const struct cli_verb verb_##name;
#include "verb_registry.def"
#undef VERB

const struct cli_verb *const verbs[] = {
#define VERB(name) &verb_##name,
#include "verb_registry.def"
#undef VERB
};

const size_t verbs_count = sizeof verbs / sizeof verbs[0];
