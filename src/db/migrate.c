/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schema, and the steps from any earlier one. */
#include "db/internal.h"

#include <errno.h>
#include <stdio.h>

/* clang-format off: SQL, as it is stored and shown in doc/schema.md */
static const char *const migrations[] = {
	/* 1 */
	"CREATE TABLE meta (\n"
	"	key TEXT NOT NULL PRIMARY KEY,\n"
	"	value TEXT NOT NULL\n"
	") STRICT, WITHOUT ROWID;\n"
	"INSERT INTO meta (key, value) VALUES\n"
	"	('uuid', lower(hex(randomblob(16)))),\n"
	"	('created_at', CAST(strftime('%s', 'now') AS INTEGER) * 1000000000),\n"
	"	('durable_commits', 0);\n"

	"CREATE TABLE things (\n"
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
	"	kind TEXT NOT NULL CHECK (kind IN ('object', 'program', 'map', 'link'))\n"
	") STRICT;\n"

	"CREATE TABLE files (\n"
	"	sha256 TEXT NOT NULL PRIMARY KEY CHECK (length(sha256) = 64), -- lower-case hex\n"
	"	size INTEGER NOT NULL,\n"
	"	bytes BLOB NOT NULL\n"
	") STRICT;\n"

	"CREATE TABLE objects (\n"
	"	id INTEGER PRIMARY KEY REFERENCES things (id) ON DELETE CASCADE,\n"
	"	name TEXT NOT NULL UNIQUE,\n"
	"	path TEXT, -- of the file it was loaded from, absolute\n"
	"	sha256 TEXT REFERENCES files (sha256) DEFERRABLE INITIALLY DEFERRED,\n"
	"	state TEXT NOT NULL CHECK (state IN ('pending', 'loaded', 'unloading')),\n"
	"	run_id TEXT, -- the run that changed it last\n"
	"	boot_id TEXT, -- the boot in which its kernel objects live\n"
	"	root_dev INTEGER NOT NULL, -- st_dev of the pin root's bpffs\n"
	"	pin_dir TEXT, -- absolute\n"
	"	outside_path TEXT, -- of --pin-path, while pending\n"
	"	options TEXT, -- JSON: those of the load, to do it again\n"
	"	loaded_by INTEGER NOT NULL, -- uid\n"
	"	created_at INTEGER NOT NULL -- ns since the epoch\n"
	") STRICT;\n"
	"CREATE INDEX objects_sha256 ON objects (sha256);\n"
	"CREATE INDEX objects_unsettled ON objects (id) WHERE state <> 'loaded';\n"

	"CREATE TABLE labels (\n"
	"	object_id INTEGER NOT NULL REFERENCES objects (id) ON DELETE CASCADE,\n"
	"	key TEXT NOT NULL,\n"
	"	value TEXT NOT NULL,\n"
	"	PRIMARY KEY (object_id, key)\n"
	") STRICT, WITHOUT ROWID;\n"

	"CREATE TABLE programs (\n"
	"	id INTEGER PRIMARY KEY REFERENCES things (id) ON DELETE CASCADE,\n"
	"	object_id INTEGER NOT NULL REFERENCES objects (id) ON DELETE CASCADE,\n"
	"	kernel_id INTEGER NOT NULL, -- 0: none yet\n"
	"	name TEXT NOT NULL,\n"
	"	type TEXT NOT NULL,\n"
	"	section TEXT,\n"
	"	tag TEXT,\n"
	"	state TEXT NOT NULL CHECK (state IN ('pending', 'loaded', 'unloading')),\n"
	"	pin TEXT, -- our own, under the pin root\n"
	"	pinned_path TEXT, -- as shown: of --pin-path when given, else the same as pin\n"
	"	dev INTEGER NOT NULL, -- st_dev and st_ino of the pin\n"
	"	ino INTEGER NOT NULL,\n"
	"	load_time INTEGER NOT NULL, -- ns since boot, by the kernel\n"
	"	verified_insns INTEGER NOT NULL,\n"
	"	xlated_bytes INTEGER NOT NULL,\n"
	"	jited_bytes INTEGER NOT NULL,\n"
	"	btf_id INTEGER NOT NULL,\n"
	"	memlock_bytes INTEGER NOT NULL,\n"
	"	created_at INTEGER NOT NULL -- ns since the epoch\n"
	") STRICT;\n"
	"CREATE INDEX programs_object_id ON programs (object_id);\n"
	"CREATE INDEX programs_name ON programs (name);\n"
	"CREATE INDEX programs_unsettled ON programs (id) WHERE state <> 'loaded';\n"

	"CREATE TABLE maps (\n"
	"	id INTEGER PRIMARY KEY REFERENCES things (id) ON DELETE CASCADE,\n"
	"	object_id INTEGER REFERENCES objects (id) ON DELETE CASCADE, -- NULL: pinned by "
	"name, owned by its users\n"
	"	kernel_id INTEGER NOT NULL, -- 0: none yet\n"
	"	name TEXT NOT NULL,\n"
	"	type TEXT NOT NULL,\n"
	"	state TEXT NOT NULL CHECK (state IN ('pending', 'loaded', 'unloading')),\n"
	"	boot_id TEXT, -- the boot in which it lives\n"
	"	root_dev INTEGER NOT NULL, -- st_dev of the pin root's bpffs\n"
	"	pinned_path TEXT,\n"
	"	dev INTEGER NOT NULL, -- st_dev and st_ino of the pin\n"
	"	ino INTEGER NOT NULL,\n"
	"	key_size INTEGER NOT NULL,\n"
	"	value_size INTEGER NOT NULL,\n"
	"	max_entries INTEGER NOT NULL,\n"
	"	map_flags INTEGER NOT NULL,\n"
	"	memlock_bytes INTEGER NOT NULL,\n"
	"	created_at INTEGER NOT NULL -- ns since the epoch\n"
	") STRICT;\n"
	"CREATE INDEX maps_object_id ON maps (object_id);\n"
	"CREATE INDEX maps_name ON maps (name);\n"
	"CREATE INDEX maps_unsettled ON maps (id) WHERE state <> 'loaded';\n"

	"CREATE TABLE program_maps (\n"
	"	program_id INTEGER NOT NULL REFERENCES programs (id) ON DELETE CASCADE,\n"
	"	map_id INTEGER NOT NULL REFERENCES maps (id) ON DELETE CASCADE,\n"
	"	PRIMARY KEY (program_id, map_id)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE INDEX program_maps_map_id ON program_maps (map_id);\n"

	"CREATE TABLE directories (\n"
	"	path TEXT NOT NULL PRIMARY KEY -- absolute\n"
	") STRICT, WITHOUT ROWID;\n"

	"CREATE TABLE logs (\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	object_id INTEGER, -- NULL: the load failed; it may name an object that is gone\n"
	"	object_name TEXT,\n"
	"	path TEXT,\n"
	"	ok INTEGER NOT NULL CHECK (ok IN (0, 1)),\n"
	"	message TEXT, -- of the error\n"
	"	log_bytes INTEGER NOT NULL, -- of the whole log, before truncation\n"
	"	truncated INTEGER NOT NULL CHECK (truncated IN (0, 1)),\n"
	"	created_at INTEGER NOT NULL, -- ns since the epoch\n"
	"	text_bytes INTEGER NOT NULL, -- of the text kept\n"
	"	bytes_to_here INTEGER NOT NULL, -- sum of text_bytes of this and all earlier logs\n"
	"	text TEXT\n"
	") STRICT;\n",
	/* 2 */
	"CREATE TABLE events (\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	created_at INTEGER NOT NULL, -- ns since the epoch\n"
	"	uid INTEGER NOT NULL, -- effective\n"
	"	login_uid INTEGER, -- of the login that the session descends from\n"
	"	action TEXT NOT NULL, -- the command's name, or 'recover'\n"
	"	command TEXT, -- as typed\n"
	"	kind TEXT, -- of what it was done to\n"
	"	thing_id INTEGER, -- its id; it may name something that is gone\n"
	"	name TEXT,\n"
	"	ok INTEGER NOT NULL CHECK (ok IN (0, 1)),\n"
	"	message TEXT,\n"
	"	text_bytes INTEGER NOT NULL, -- of all texts above\n"
	"	bytes_to_here INTEGER NOT NULL -- sum of text_bytes of all up to this\n"
	") STRICT;\n",

	/* upgrades */
	"ALTER TABLE objects ADD COLUMN previous_sha256 TEXT REFERENCES files (sha256) "
	"DEFERRABLE INITIALLY DEFERRED;\n"
	"ALTER TABLE objects ADD COLUMN previous_path TEXT;\n"
	"CREATE INDEX objects_previous_sha256 ON objects (previous_sha256);\n"
	"CREATE TABLE upgrades (\n"
	"	object_id INTEGER PRIMARY KEY REFERENCES objects (id) ON DELETE CASCADE,\n"
	"	done INTEGER NOT NULL CHECK (done IN (0, 1)), -- 1: only what was replaced is left\n"
	"	run_id TEXT NOT NULL,\n"
	"	boot_id TEXT NOT NULL, -- the boot in which it was begun\n"
	"	root_dev INTEGER NOT NULL, -- st_dev of the pin root's bpffs\n"
	"	path TEXT NOT NULL, -- of the new file, absolute\n"
	"	sha256 TEXT NOT NULL REFERENCES files (sha256) DEFERRABLE INITIALLY DEFERRED,\n"
	"	created_at INTEGER NOT NULL -- ns since the epoch\n"
	") STRICT;\n"
	"CREATE INDEX upgrades_sha256 ON upgrades (sha256);\n",

	/* links */
	"ALTER TABLE programs ADD COLUMN attach_type TEXT;\n"
	"CREATE TABLE links (\n"
	"	id INTEGER PRIMARY KEY REFERENCES things (id) ON DELETE CASCADE,\n"
	"	program_id INTEGER NOT NULL REFERENCES programs (id) ON DELETE CASCADE,\n"
	"	kernel_id INTEGER NOT NULL, -- 0: none yet\n"
	"	type TEXT, -- NULL: not known before it is attached\n"
	"	attach_type TEXT, -- NULL: none\n"
	"	target TEXT, -- JSON: all that is needed to find it again\n"
	"	target_text TEXT, -- words of the command language\n"
	"	options TEXT, -- JSON: what was asked for, to do it again\n"
	"	state TEXT NOT NULL CHECK (state IN ('pending', 'loaded', 'unloading')),\n"
	"	run_id TEXT, -- the run that changed it last\n"
	"	boot_id TEXT, -- the boot in which it lives\n"
	"	root_dev INTEGER NOT NULL, -- st_dev of the pin root's bpffs\n"
	"	pinned_path TEXT,\n"
	"	dev INTEGER NOT NULL, -- st_dev and st_ino of the pin\n"
	"	ino INTEGER NOT NULL,\n"
	"	expires_at INTEGER, -- ns since the epoch; NULL: it is not on trial\n"
	"	created_at INTEGER NOT NULL -- ns since the epoch\n"
	") STRICT;\n"
	"CREATE INDEX links_program_id ON links (program_id);\n"
	"CREATE INDEX links_unsettled ON links (id) WHERE state <> 'loaded';\n"
	"CREATE INDEX links_on_trial ON links (expires_at) WHERE expires_at IS NOT NULL;\n",

	/* runs that are all or nothing; until one is decided, a name may be there twice */
	"CREATE TABLE atomic_runs (\n"
	"	run_id TEXT NOT NULL PRIMARY KEY,\n"
	"	first_id INTEGER NOT NULL, -- what it made has this id or a higher one\n"
	"	boot_id TEXT NOT NULL, -- the boot in which it was begun\n"
	"	root_dev INTEGER NOT NULL, -- st_dev of the pin root's bpffs\n"
	"	created_at INTEGER NOT NULL -- ns since the epoch\n"
	") STRICT, WITHOUT ROWID;\n"
	"ALTER TABLE links ADD COLUMN replaces INTEGER REFERENCES links (id) ON DELETE SET NULL;\n"
	"CREATE INDEX links_replaces ON links (replaces) WHERE replaces IS NOT NULL;\n"
	"CREATE TABLE new_objects (\n"
	"	id INTEGER PRIMARY KEY REFERENCES things (id) ON DELETE CASCADE,\n"
	"	name TEXT NOT NULL,\n"
	"	path TEXT, -- of the file it was loaded from, absolute\n"
	"	sha256 TEXT REFERENCES files (sha256) DEFERRABLE INITIALLY DEFERRED,\n"
	"	state TEXT NOT NULL CHECK (state IN ('pending', 'loaded', 'unloading')),\n"
	"	run_id TEXT, -- the run that changed it last\n"
	"	boot_id TEXT, -- the boot in which its kernel objects live\n"
	"	root_dev INTEGER NOT NULL, -- st_dev of the pin root's bpffs\n"
	"	pin_dir TEXT, -- absolute\n"
	"	outside_path TEXT, -- of --pin-path, while pending\n"
	"	options TEXT, -- JSON: those of the load, to do it again\n"
	"	loaded_by INTEGER NOT NULL, -- uid\n"
	"	created_at INTEGER NOT NULL, -- ns since the epoch\n"
	"	previous_sha256 TEXT REFERENCES files (sha256) DEFERRABLE INITIALLY DEFERRED,\n"
	"	previous_path TEXT\n"
	") STRICT;\n"
	"INSERT INTO new_objects (id, name, path, sha256, state, run_id, boot_id, root_dev, pin_dir, "
	"outside_path, options, loaded_by, created_at, previous_sha256, previous_path) SELECT id, name, "
	"path, sha256, state, run_id, boot_id, root_dev, pin_dir, outside_path, options, loaded_by, "
	"created_at, previous_sha256, previous_path FROM objects;\n"
	"DROP TABLE objects;\n"
	"ALTER TABLE new_objects RENAME TO objects;\n"
	"CREATE INDEX objects_sha256 ON objects (sha256);\n"
	"CREATE INDEX objects_previous_sha256 ON objects (previous_sha256);\n"
	"CREATE INDEX objects_unsettled ON objects (id) WHERE state <> 'loaded';\n"
	"CREATE UNIQUE INDEX objects_name ON objects (name) WHERE state = 'loaded';\n",

	/* changes */
	"CREATE TABLE changes (\n"
	"	number INTEGER PRIMARY KEY,\n"
	"	id INTEGER NOT NULL -- of a thing that came, changed or went\n"
	") STRICT;\n",

	/* restore */
	"ALTER TABLE objects ADD COLUMN on_boot INTEGER NOT NULL DEFAULT 0 "
	"CHECK (on_boot IN (0, 1));\n"
	"ALTER TABLE upgrades ADD COLUMN restore INTEGER NOT NULL DEFAULT 0 "
	"CHECK (restore IN (0, 1));\n"
	"ALTER TABLE upgrades ADD COLUMN dir_ino INTEGER NOT NULL DEFAULT 0;\n",

	/* releases */
	"CREATE TABLE releases (\n"
	"	id INTEGER PRIMARY KEY REFERENCES things (id) ON DELETE CASCADE,\n"
	"	dir TEXT NOT NULL -- absolute: where its pin goes\n"
	") STRICT;\n",
};
/* clang-format on */

const struct schema db_schema = { migrations, sizeof(migrations) / sizeof(migrations[0]) };

int db_classify(const struct db *db, const struct schema *schema, uint32_t application_id,
		int version, bool empty, enum db_age *age, struct error *e)
{
	if (!application_id && !version && empty) {
		*age = DB_NEW;
		return 0;
	}
	if (application_id != DB_APPLICATION_ID) {
		db_refuse(db, e, EINVAL,
			  "it belongs to another program (application_id 0x%08x, bpfman's is "
			  "0x%08x)",
			  application_id, (unsigned)DB_APPLICATION_ID);
		error_hint(e, "name another database with --db");
		return -EINVAL;
	}
	if (version > schema->count) {
		db_refuse(db, e, EOPNOTSUPP,
			  "it was written by a newer bpfman (schema %d, this one knows %d)",
			  version, schema->count);
		error_hint(e, "use that bpfman, or name another database with --db");
		return -EOPNOTSUPP;
	}
	if (version < 1)
		return db_damaged(db, e, "it has no schema version");
	*age = version < schema->count ? DB_OLD : DB_CURRENT;
	return 0;
}

int db_read_age(struct db *db, const struct schema *schema, enum db_age *age, struct error *e)
{
	int64_t application_id, version, tables;
	int ret;

	ret = db_exec_int(db, "PRAGMA application_id", &application_id, e);
	if (ret)
		return ret;
	ret = db_exec_int(db, "PRAGMA user_version", &version, e);
	if (ret)
		return ret;
	/* Only what has neither number may be new: to look at it otherwise is a waste. */
	tables = 1;
	if (!application_id && !version) {
		ret = db_exec_int(db, "SELECT count(*) FROM sqlite_schema", &tables, e);
		if (ret)
			return ret;
	}
	return db_classify(db, schema, (uint32_t)application_id, (int)version, !tables, age, e);
}

int db_read_uuid(struct db *db, struct error *e)
{
	static const struct sql sql = SQL("SELECT value FROM meta WHERE key = 'uuid'");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	ret = query_step(&q, e);
	if (ret >= 0) {
		const char *uuid = ret ? (const char *)sqlite3_column_text(q.stmt, 0) : NULL;
		int len = uuid ? snprintf(db->uuid, sizeof(db->uuid), "%s", uuid) : 0;

		ret = len == sizeof(db->uuid) - 1 ? 0 : db_damaged(db, e, "it has no uuid");
	}
	return query_close(&q, ret);
}

static int apply(struct db *db, const struct schema *schema, struct error *e)
{
	char numbers[96];
	enum db_age age;
	int64_t version, violations;
	int ret;

	/* Another process may have done it since we looked. */
	ret = db_read_age(db, schema, &age, e);
	if (ret || age == DB_CURRENT)
		return ret;
	ret = db_exec_int(db, "PRAGMA user_version", &version, e);
	for (; !ret && version < schema->count; version++)
		ret = db_exec(db, schema->migrations[version], e);
	if (ret)
		return ret;
	ret = db_exec_int(db, "SELECT count(*) FROM pragma_foreign_key_check", &violations, e);
	if (ret)
		return ret;
	if (violations)
		return db_damaged(db, e, "its rows refer to rows that are not there");
	snprintf(numbers, sizeof(numbers), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 DB_APPLICATION_ID, schema->count);
	return db_exec(db, numbers, e);
}

int db_migrate(struct db *db, const struct schema *schema, struct error *e)
{
	int ret, rc;

	/*
	 * Off while tables are rebuilt, as SQLite's "Making Other Kinds Of Table Schema Changes"
	 * asks; it cannot be switched inside the transaction.
	 */
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
	/*
	 * Of a database that is still to be made. A load changes twenty pages, each by some hundred
	 * bytes: with the usual 4096 most of what is written and waited for is the same again.
	 */
	ret = db_exec(db, "PRAGMA page_size = 2048", e);
	if (!ret)
		ret = db_exec(db, "BEGIN EXCLUSIVE", e);
	if (ret)
		goto out;
	ret = apply(db, schema, e);
	if (!ret)
		ret = db_read_uuid(db, e);
	if (!ret)
		ret = db_exec(db, "COMMIT", e);
	if (ret)
		db_rollback(db);
out:
	rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	return ret ? ret : rc ? db_fail(db, rc, e) : 0;
}
