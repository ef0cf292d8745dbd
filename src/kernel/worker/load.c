/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <unistd.h>

#include "kernel/worker/globals.h"
#include "kernel/worker/load.h"

static int run(struct load *l, json_t **result, struct failure *f)
{
	int err;

	err = object_open(l->request, &l->object, f);
	if (!err)
		err = object_select(l->request, &l->object, f);
	if (!err)
		err = globals_set(l->request, &l->object, f);
	if (!err)
		err = load_paths(l, f);
	if (!err)
		err = load_find_shared(l, f);
	if (!err)
		err = object_load(l->request, &l->object,
				  request_flag(l->request, "verbose") ? 1 | 4 : 0, f);
	if (!err)
		err = load_fill(l, f);
	if (!err)
		err = load_pin(l, f);
	if (err)
		return err;
	/* Built before the point of no return: lost memory must not leave pins behind. */
	*result = load_result(l);
	return *result ? load_publish(l, f) : fail_nomem(f);
}

static void clean_up(struct load *l)
{
	size_t i;

	for (i = 0; l->programs && i < l->object.count; i++)
		program_facts_free(&l->programs[i].facts);
	load_free_maps(l);
	free(l->programs);
	undo_free(&l->undo);
	if (l->staging_fd >= 0)
		close(l->staging_fd);
	if (l->by_name_fd >= 0)
		close(l->by_name_fd);
	place_free(&l->pin);
	place_free(&l->staging);
	place_free(&l->by_name);
	free(l->final);
	object_close(&l->object);
}

int handle_LOAD(const struct request *request, json_t **result, struct failure *f)
{
	struct load l = {
		.request = request,
		.object = OBJECT_INIT,
		.staging_fd = -1,
		.by_name_fd = -1,
	};
	int err = run(&l, result, f);

	if (err) {
		undo_run(&l.undo, f);
		json_decref(*result);
		*result = NULL;
	}
	clean_up(&l);
	return err;
}
