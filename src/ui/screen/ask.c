/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/ask.h"

#include <errno.h>
#include <malloc.h>

#include "ui/screen/screen.h"

static const struct asker *const askers[] = { &rates_asker, &entries_asker, &others_asker };
enum { ASKERS = sizeof(askers) / sizeof(askers[0]) };

static void ask_next(struct screen *s)
{
	struct asking *a = &s->asking;

	for (int i = 0; i < ASKERS && a->current < 0; i++) {
		struct error e = ERROR_INIT;
		json_t *request;
		int r;

		if (!(a->due & 1u << i))
			continue;
		a->due &= ~(1u << i);
		request = askers[i]->request(s);
		if (!request)
			continue;
		r = manager_post(s->ui->session.manager, request, &e);
		if (!r)
			a->current = i;
		else if (r == -EBUSY)
			a->due = 0; /* a command asks just now: at the next refresh */
		else
			askers[i]->answer(s, NULL, &e);
		error_clear(&e);
	}
}

void ask_all(struct screen *s)
{
	s->asking.due = (1u << ASKERS) - 1;
	ask_next(s);
}

void ask_again(struct screen *s, const struct asker *asker)
{
	for (int i = 0; i < ASKERS; i++)
		if (askers[i] == asker)
			s->asking.due |= 1u << i;
}

bool ask_take(struct screen *s)
{
	int current = s->asking.current;
	struct error e = ERROR_INIT;
	json_t *answer = NULL;
	int r;

	if (current < 0)
		return false;
	r = manager_collect(s->ui->session.manager, &answer, &e);
	if (r == -EAGAIN)
		return false;
	s->asking.current = -1;
	/* -ENOENT: a command got a new worker meanwhile, and the question is lost. */
	if (r != -ENOENT || e.err)
		askers[current]->answer(s, r ? NULL : json_object_get(answer, "result"), &e);
	json_decref(answer);
	error_clear(&e);
	if (s->asking.trim)
		malloc_trim(0);
	s->asking.trim = false;
	ask_next(s);
	s->dirty = true;
	return true;
}
