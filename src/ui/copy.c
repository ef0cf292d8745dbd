/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `set output FILE`: all that is said goes to a file as well. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "output/output.h"
#include "ui/ui.h"

void ui_copy_end(struct ui *ui)
{
	if (ui->copy >= 0)
		close(ui->copy);
	ui->copy = -1;
	free(ui->options->output_file);
	ui->options->output_file = NULL;
	ui->session.remake = true;
	if (ui->face)
		ui->face->copied(ui->face->data);
}

/* As `>` of a shell, but no link is followed, nothing is waited for, and others do not read it. */
static int create(const char *path, struct error *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW,
		      0600);
	struct stat st;

	if (fd < 0 && errno == ELOOP) {
		error_set(e, ELOOP, "%s is a symbolic link", path);
		return error_hint(e, "name the file it leads to");
	}
	if (fd < 0)
		return error_set(e, errno, "cannot write to %s: %s", path, strerror(errno));
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && !ftruncate(fd, 0))
		return fd;
	close(fd);
	return error_set(e, EINVAL, "cannot write to %s: it is no regular file", path);
}

int ui_copy_to(struct ui *ui, const char *path, struct error *e)
{
	char *absolute = path ? file_absolute(path, e) : NULL;
	int fd = -1;

	if (path && !absolute)
		return -e->err;
	if (path)
		fd = create(absolute, e);
	if (path && fd < 0) {
		free(absolute);
		return -e->err;
	}
	ui_copy_end(ui);
	ui->copy = fd;
	ui->options->output_file = absolute;
	if (path && ui->face)
		ui->face->copied(ui->face->data);
	return 0;
}

int ui_copy_write(struct ui *ui, const char *text, size_t len, struct error *e)
{
	int r = ui->copy < 0 ? 0 : file_write_all(ui->copy, text, len);

	if (!r)
		return 0;
	error_set(e, -r, "%s: cannot write the result: %s", ui->options->output_file, strerror(-r));
	ui_copy_end(ui);
	return error_hint(e, "results do not go there any more");
}

static void lost(void *data)
{
	struct ui *ui = data;

	/* When another was named meanwhile, this one has ended already. */
	if (!ui->session.remake)
		ui_copy_end(ui);
}

struct sink *ui_copy_sink(struct ui *ui, struct sink *inner)
{
	struct tee_file file = { ui->copy, ui->options->output_file, lost, ui };

	if (ui->copy < 0)
		return inner;
	return sink_tee_new(inner, ui->options->output == OUTPUT_JSON, &file);
}
