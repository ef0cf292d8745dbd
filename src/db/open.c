/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening. A database that is refused stays as it is: its header is read through SQLite's own file
 * handle before anything that could create a -wal or -shm file, switch the journal or migrate. (A
 * descriptor of our own would not do: closing it drops the POSIX locks of every other connection
 * of this process to the file.)
 */
#include "db/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum {
	BUSY_TIMEOUT_MS = 30000,
	WAL_LARGE = 256 << 10, /* reading so much costs 0.6 ms */
	WAL_FRAMES = 4000,     /* after which it is written back, about 8 MB */
	WAL_STEP = 128,	       /* frames after which the disk may begin with them */
};

/* What the file's header says: https://www.sqlite.org/fileformat2.html#the_database_header */
enum {
	HEADER_SIZE = 100,
	HEADER_READ_VERSION = 19,
	HEADER_PAGES = 28,
	HEADER_USER_VERSION = 60,
	HEADER_APPLICATION_ID = 68,
};
static const char header_magic[16] = "SQLite format 3";

struct header {
	bool empty;   /* no bytes at all: a new database */
	bool wal;     /* its journal is a WAL */
	bool had_wal; /* there is a -wal file */
};

static int configure(struct db *db, struct error *e)
{
	static const struct {
		int option, value;
	} options[] = {
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
	};
	int rc = sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
	size_t i;

	for (i = 0; !rc && i < sizeof(options) / sizeof(options[0]); i++)
		rc = sqlite3_db_config(db->handle, options[i].option, options[i].value, NULL);
	return rc ? db_fail(db, rc, e) : 0;
}

static int open_handle(struct db *db, const char *name, int flags, struct error *e)
{
	int rc = sqlite3_open_v2(name, &db->handle,
				 flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
					 SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
				 NULL);

	return rc ? db_fail(db, rc, e) : configure(db, e);
}

static void clear_cache(struct db *db)
{
	size_t i;

	for (i = 0; i < DB_CACHE_SLOTS; i++)
		sqlite3_finalize(db->cache[i].stmt);
	memset(db->cache, 0, sizeof(db->cache));
}

static uint32_t big_endian(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/*
 * The header of the main file. It is authoritative but for a version that is still in the WAL:
 * databases get their application_id before they are switched to WAL.
 */
static int read_header(struct db *db, const struct schema *schema, struct header *h,
		       struct error *e)
{
	const char *name = sqlite3_db_filename(db->handle, "main");
	unsigned char bytes[HEADER_SIZE] = { 0 };
	sqlite3_file *file = NULL;
	sqlite3_int64 size;
	enum db_age age;
	int rc;

	rc = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (!rc)
		rc = file->pMethods->xFileSize(file, &size);
	if (rc)
		return db_fail(db, rc, e);
	h->empty = size == 0;
	if (h->empty)
		return 0;
	h->had_wal = !access(sqlite3_filename_wal(name), F_OK);
	if (size >= HEADER_SIZE) {
		rc = file->pMethods->xRead(file, bytes, sizeof(bytes), 0);
		if (rc)
			return db_fail(db, rc, e);
	}
	if (size < HEADER_SIZE || memcmp(bytes, header_magic, sizeof(header_magic))) {
		/* A cut-off first commit: SQLite takes it back from its journal. */
		if (!access(sqlite3_filename_journal(name), F_OK))
			return 0;
		return db_fail(db, SQLITE_NOTADB, e);
	}
	h->wal = bytes[HEADER_READ_VERSION] == 2;
	/* One page holds no table: whether the database is new is seen when it is read. */
	return db_classify(db, schema, big_endian(bytes + HEADER_APPLICATION_ID),
			   (int)big_endian(bytes + HEADER_USER_VERSION),
			   big_endian(bytes + HEADER_PAGES) <= 1, &age, e);
}

/* The first real read: all that is checked of a database that is not damaged at once. */
static int read_database(struct db *db, const struct schema *schema, enum db_age *age,
			 struct error *e)
{
	int ret = db_exec(db, "BEGIN", e);

	if (ret)
		return ret;
	ret = db_read_age(db, schema, age, e);
	if (!ret && *age != DB_NEW)
		ret = db_read_uuid(db, e);
	db_rollback(db);
	return ret;
}

/* SQLite does not say that it was not the database itself that it could not open. */
static int explain_shm(const struct db *db, int ret, struct error *e)
{
	int err = ret == -ENOENT ? EACCES : -ret;

	if (err != EACCES && err != EROFS)
		return ret;
	db_refuse(db, e, err, "its -wal and -shm files cannot be opened: %s", strerror(err));
	error_hint(e,
		   "reading it too needs access to its directory, where SQLite keeps them: run it "
		   "as root or as the database's owner");
	return -err;
}

static int set_pragmas(struct db *db, struct error *e)
{
	/* Debian compiles secure_delete in: zeros would be written over each log that goes. */
	return db_exec(db,
		       "PRAGMA synchronous = NORMAL;"
		       "PRAGMA secure_delete = OFF;"
		       "PRAGMA temp_store = MEMORY",
		       e);
}

/*
 * After each commit, in place of SQLite's own hook that only writes back. A durable commit waits
 * for all that was written since the last one: the disk begins with that early. Only a hint.
 */
static int after_commit(void *data, sqlite3 *handle, const char *name, int frames)
{
	struct db *db = data;

	if (frames >= WAL_FRAMES) {
		sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	} else if (frames < db->wal_started || frames - db->wal_started >= WAL_STEP) {
		if (db->wal_fd < 0)
			db->wal_fd = open(sqlite3_filename_wal(sqlite3_db_filename(handle, name)),
					  O_RDONLY | O_CLOEXEC);
		if (db->wal_fd >= 0)
			sync_file_range(db->wal_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		db->wal_started = frames;
	}
	return SQLITE_OK;
}

/* Goes on in memory: with a copy of the open database, or with an empty one. */
static int move_to_memory(struct db *db, const struct schema *schema, bool copy, struct error *e)
{
	sqlite3 *source = db->handle;
	sqlite3_backup *backup;
	int ret, rc;

	clear_cache(db);
	db->handle = NULL;
	db->in_memory = true;
	ret = open_handle(db, ":memory:", SQLITE_OPEN_MEMORY | SQLITE_OPEN_CREATE, e);
	if (!ret && copy) {
		backup = sqlite3_backup_init(db->handle, "main", source, "main");
		if (backup)
			sqlite3_backup_step(backup, -1);
		rc = backup ? sqlite3_backup_finish(backup) : sqlite3_errcode(db->handle);
		if (rc)
			ret = db_fail(db, rc, e);
	}
	sqlite3_close(source);
	if (!ret)
		ret = set_pragmas(db, e);
	if (!ret)
		ret = db_migrate(db, schema, e);
	/* What was never written has no identity. */
	if (!copy && db->mode == DB_READ)
		db->uuid[0] = '\0';
	return ret;
}

static int try_journal(struct db *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

	if (!rc)
		rc = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : rc;
}

static int set_journal(struct db *db, bool is_wal, struct error *e)
{
	int64_t until = clock_monotonic() + BUSY_TIMEOUT_MS * INT64_C(1000000);
	bool want_wal = !db_small_blocks(db);
	int rc;

	sqlite3_wal_hook(db->handle, after_commit, db);
	if (is_wal && want_wal)
		return 0;
	/* Two that switch at once refuse each other without asking the busy handler. */
	while ((rc = try_journal(db, want_wal ? "PRAGMA journal_mode = WAL"
					      : "PRAGMA journal_mode = TRUNCATE")) == SQLITE_BUSY) {
		if (clock_monotonic() > until)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	return rc ? db_fail(db, rc, e) : 0;
}

static int check_writable(struct db *db, struct error *e)
{
	/* SQLite opens what may not be written for reading. */
	if (sqlite3_db_readonly(db->handle, "main") != 1)
		return 0;
	return db_fail_errno(db, access(db->path, W_OK) ? errno : EROFS, e);
}

static int open_file(struct db *db, const struct schema *schema, struct error *e)
{
	struct header h = { 0 };
	enum db_age age = DB_NEW;
	int ret = open_handle(db, db->path, 0, e);

	if (!ret)
		ret = read_header(db, schema, &h, e);
	if (!ret && db->mode == DB_WRITE)
		ret = check_writable(db, e);
	if (!ret && !h.empty) {
		ret = read_database(db, schema, &age, e);
		if (ret && h.wal)
			ret = explain_shm(db, ret, e);
	}
	/*
	 * Closing writes the WAL back and removes it where that is the last connection. For a WAL
	 * that was only made by looking at a refused database that is right. Otherwise it would
	 * change a refused database, and cost each session two syncs.
	 */
	if (!ret || h.had_wal)
		sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (ret)
		return ret;
	if (db->mode == DB_SCRATCH || (db->mode == DB_READ && age != DB_CURRENT))
		return move_to_memory(db, schema, age != DB_NEW, e);
	if (age != DB_CURRENT)
		ret = db_migrate(db, schema, e);
	if (!ret && db->mode == DB_WRITE)
		ret = set_journal(db, h.wal, e);
	return ret ? ret : set_pragmas(db, e);
}

/*
 * For the whole process, before SQLite's first use; too late, they change nothing. Nothing here
 * has threads, and nobody asks how much memory it takes: locking for both is a twentieth of a list.
 */
static void configure_engine(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int db_open_schema(struct db **out, const char *path, enum db_mode mode,
		   const struct schema *schema, struct error *e)
{
	struct db *db = calloc(1, sizeof(*db));
	bool exists = false;
	int ret;

	*out = NULL;
	if (!db)
		return error_nomem(e);
	configure_engine();
	db->mode = mode;
	db->wal_fd = -1;
	/* Absolute also because SQLite takes ":memory:", "" and "file:" for something else. */
	db->path = file_absolute(path, e);
	ret = db->path ? db_look_for_file(db, &exists, e) : e ? -e->err : -EIO;
	if (!ret && !exists && mode == DB_WRITE) {
		ret = db_create_file(db, e);
		exists = true;
	}
	if (!ret)
		ret = exists ? open_file(db, schema, e) : move_to_memory(db, schema, false, e);
	if (!ret && mode == DB_READ)
		/* Reading goes through the rows once: more of them kept is only more to fault in.
		 */
		ret = db_exec(db, "PRAGMA query_only = ON; PRAGMA cache_size = -512", e);
	else if (!ret)
		db_watch_changes(db);
	if (ret) {
		db_close(db);
		return ret;
	}
	*out = db;
	return 0;
}

int db_open(struct db **out, const char *path, enum db_mode mode, struct error *e)
{
	return db_open_schema(out, path, mode, &db_schema, e);
}

/*
 * Each opening reads the whole WAL, live or not, so one that has grown is emptied when its writer
 * leaves; without waiting: with a reader in it that is for the next one.
 */
static void shrink_wal(struct db *db)
{
	struct stat st;

	if (!db->wrote || db->in_memory ||
	    stat(sqlite3_filename_wal(sqlite3_db_filename(db->handle, "main")), &st) ||
	    st.st_size < WAL_LARGE)
		return;
	sqlite3_busy_timeout(db->handle, 0);
	sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

void db_close(struct db *db)
{
	if (!db)
		return;
	clear_cache(db);
	db_forget_changes(db);
	if (db->handle)
		shrink_wal(db);
	sqlite3_close(db->handle);
	if (db->wal_fd >= 0)
		close(db->wal_fd);
	free(db->path);
	free(db);
}

bool db_is_live(const struct db *db)
{
	return !db->in_memory;
}

const char *db_uuid(const struct db *db)
{
	return db->uuid;
}

const char *db_engine_version(void)
{
	return sqlite3_libversion();
}
