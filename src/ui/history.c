/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * $XDG_STATE_HOME/bpfman/history, mode 0600. A line is appended as soon as it was entered, so that
 * neither a crash nor a second session loses any.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>

#include "base/buf.h"
#include "base/file.h"
#include "ui/ui.h"

enum { HISTORY_LINES = 5000 };

static char *path;

void ui_history_open(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct buf dir = { 0 };

	using_history();
	stifle_history(HISTORY_LINES);
	if (state && state[0] == '/')
		buf_printf(&dir, "%s/bpfman", state);
	else if (home && home[0] == '/')
		buf_printf(&dir, "%s/.local/state/bpfman", home);
	if (!dir.len || buf_error(&dir) || file_make_directories(dir.data, 0700, NULL)) {
		buf_free(&dir);
		return; /* a prompt without history is still a prompt */
	}
	buf_str(&dir, "/history");
	path = buf_take(&dir);
	if (path)
		read_history(path);
}

void ui_history_add(const char *line)
{
	HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;
	struct buf text = { 0 };
	int fd;

	if (!*line || *line == ' ' || (last && !strcmp(last->line, line)))
		return;
	add_history(line);
	if (!path)
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	buf_printf(&text, "%s\n", line);
	if (!buf_error(&text))
		file_write_all(fd, text.data, text.len);
	buf_free(&text);
	close(fd);
}
