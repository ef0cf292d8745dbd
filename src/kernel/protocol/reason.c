/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel/protocol/reason.h"

static const char *const stages[] = {
#define X(id, name, meaning) [STAGE_##id] = name,
	PROTOCOL_STAGES(X)
#undef X
};

static const struct {
	const char *name;
	bool environment;
} reasons[] = {
#define X(id, name, environment, meaning, example) [REASON_##id] = { name, environment },
	PROTOCOL_REASONS(X)
#undef X
};

const char *stage_name(enum stage stage)
{
	return stages[stage];
}

const char *reason_name(enum reason reason)
{
	return reasons[reason].name;
}

bool reason_is_environment(enum reason reason)
{
	return reasons[reason].environment;
}
