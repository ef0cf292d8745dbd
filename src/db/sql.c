/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The texts of statements, made of a row type's columns. */
#include "db/internal.h"

#include "base/buf.h"

static void add_select(struct buf *text, const struct row_type *row, const char *tail)
{
	size_t i;

	for (i = 0; i < row->count; i++) {
		const struct field *f = &row->fields[i];

		buf_str(text, i ? ", " : "SELECT ");
		if (f->select)
			buf_str(text, f->select);
		else
			buf_printf(text, "t.%s", f->column);
	}
	buf_printf(text, " FROM %s %s", row->from, tail);
}

static void add_insert(struct buf *text, const struct row_type *row)
{
	const char *separator = "";
	size_t i;

	buf_printf(text, "INSERT INTO %s (", row->table);
	for (i = 0; i < row->count; i++) {
		if (!row->fields[i].column)
			continue;
		buf_printf(text, "%s%s", separator, row->fields[i].column);
		separator = ", ";
	}
	separator = ") VALUES (";
	for (i = 0; i < row->count; i++) {
		const struct field *f = &row->fields[i];

		if (!f->column)
			continue;
		buf_str(text, separator);
		if (f->value)
			buf_str(text, f->value);
		else
			buf_printf(text, ":%s", f->column);
		separator = ", ";
	}
	buf_char(text, ')');
}

/* The id is the first column, so its parameter comes first, as bind_row() has it. */
static void add_update(struct buf *text, const struct row_type *row)
{
	const char *separator = "SET ";
	size_t i;

	buf_printf(text, "UPDATE %s ", row->table);
	for (i = 0; i < row->count; i++) {
		const struct field *f = &row->fields[i];

		if (!f->column)
			continue;
		buf_printf(text, "%s%s = ", separator, f->column);
		if (f->value)
			buf_str(text, f->value);
		else
			buf_printf(text, ":%s", f->column);
		separator = ", ";
	}
	buf_str(text, " WHERE id = :id");
}

void sql_write(const struct sql *sql, struct buf *text)
{
	if (sql->form == SQL_SELECT)
		add_select(text, sql->row, sql->text);
	else if (sql->form == SQL_INSERT)
		add_insert(text, sql->row);
	else if (sql->form == SQL_UPDATE)
		add_update(text, sql->row);
	else
		buf_str(text, sql->text);
}
