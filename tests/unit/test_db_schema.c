/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doc/schema.md shows the schema as a new database has it. With --print: prints that block, to be
 * put into the document.
 */
#include "test_db.h"

#include <sqlite3.h>

/* All statements of the schema, as the database keeps them; caller frees. */
static char *schema(struct fixture *f)
{
	struct buf b = { 0 };
	sqlite3_stmt *stmt;
	sqlite3 *handle;

	db_close(open_db(f, DB_WRITE));
	assert_int_equal(sqlite3_open(f->path, &handle), SQLITE_OK);
	/* In the order of creation, without what SQLite makes by itself. */
	assert_int_equal(sqlite3_prepare_v2(handle,
					    "SELECT sql, type FROM sqlite_schema WHERE sql IS NOT "
					    "NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
					    -1, &stmt, NULL),
			 SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		buf_printf(&b, "%s%s;\n",
			   b.len && !strcmp((const char *)sqlite3_column_text(stmt, 1), "table")
				   ? "\n"
				   : "",
			   (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(handle);
	return buf_take(&b);
}

static char *document(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	size_t len;

	snprintf(path, sizeof(path), "%s/doc/schema.md", srcdir ? srcdir : ".");
	return read_whole(path, &len);
}

static void block_is_current(void **state)
{
	struct fixture *f = *state;
	char *text = document(), *is = schema(f), *from, *to;

	assert_non_null(text);
	from = strstr(text, "```sql\n");
	assert_non_null(from);
	from += strlen("```sql\n");
	to = strstr(from, "```\n");
	assert_non_null(to);
	*to = '\0';
	if (strcmp(from, is))
		fail_msg("doc/schema.md is not the schema: put what this test prints with --print "
			 "into it");
	free(text);
	free(is);
}

static void every_table_is_told(void **state)
{
	struct fixture *f = *state;
	char *text = document(), *is = schema(f), *at, heading[80];
	int tables = 0;

	assert_non_null(text);
	for (at = is; (at = strstr(at, "CREATE TABLE ")); tables++) {
		at += strlen("CREATE TABLE ");
		at += *at == '"'; /* renamed */
		snprintf(heading, sizeof(heading), "\n### %.*s\n", (int)strcspn(at, "\" ("), at);
		if (!strstr(text, heading))
			fail_msg("doc/schema.md has no heading '%s'", heading);
	}
	assert_true(tables >= 10);
	free(text);
	free(is);
}

int main(int argc, char **argv)
{
#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(block_is_current),
		test(every_table_is_told),
	};

	if (argc > 1 && !strcmp(argv[1], "--print")) {
		void *state;
		char *text;

		if (setup(&state))
			return 1;
		text = schema(state);
		printf("```sql\n%s```\n", text);
		free(text);
		return teardown(&state);
	}
	return cmocka_run_group_tests_name("db_schema", tests, NULL, NULL);
}
