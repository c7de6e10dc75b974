/* permits - which role may ask a service for which verb: one table, looked at once for every request. */
#include "common/service/permits.h"

#include "common/base/check.h"

static const struct {
	bool listed, tap, service, operator;
} permits[] = {
#define PERMIT(verb, tap, service, operator) [verb_##verb] = {true, tap, service, operator},
#include "common/service/permits.def"
#undef PERMIT
};

bool control_allowed(enum role role, enum verb verb)
{
	if ((size_t)verb >= ARRAY_LEN(permits) || !permits[verb].listed)
		return role == role_operator;
	switch (role) {
	case role_tap: return permits[verb].tap;
	case role_service: return permits[verb].service;
	case role_operator: return permits[verb].operator;
	default: return false;
	}
}
