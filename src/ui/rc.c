/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ~/.config/bpfman/rc: commands that every interactive session begins with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ui/ui.h"

enum { RC_MAX = 1 << 20 };

void ui_run_rc(struct ui *ui)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct error e = ERROR_INIT;
	struct buf path = { 0 }, text = { 0 };
	struct stat st;

	if (config && config[0] == '/')
		buf_printf(&path, "%s/bpfman/rc", config);
	else if (home && home[0] == '/')
		buf_printf(&path, "%s/.config/bpfman/rc", home);
	if (!path.len || buf_error(&path) || stat(path.data, &st)) {
		buf_free(&path);
		return;
	}
	if (st.st_uid != geteuid()) {
		error_set(&e, EPERM, "%s is not yours, and was not read", path.data);
		session_tell(&ui->session, NULL, &e);
	} else if (file_read(path.data, RC_MAX, &text, &e)) {
		session_tell(&ui->session, NULL, &e);
	} else {
		ui->session.depth++; /* as if sourced: its errors have places */
		session_run_text(&ui->session, path.data, buf_text(&text), text.len);
		ui->session.depth--;
	}
	error_clear(&e);
	buf_free(&path);
	buf_free(&text);
}
