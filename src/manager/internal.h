/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_INTERNAL_H
#define BPFMAN_MANAGER_INTERNAL_H

#include "manager/manager.h"

enum { BOOT_ID_TEXT = 37, RUN_ID_TEXT = 33, OBJECT_MAX = 46 * 1024 * 1024 };

struct manager {
	struct manager_config config;
	char *db_path, *pin_root; /* in use: the configured ones, or an ephemeral session's */
	char *ephemeral_dir;	  /* where its database lives; NULL: not ephemeral */
	int ephemeral_fd;	  /* that directory, locked as long as the session lives */
	struct db *db;
	bool db_writes;	       /* opened for writing (or scratch) */
	struct client *client; /* the acting worker, which shares the locks */
	struct client *reader; /* a second one that only reads, and holds no lock */
	char boot_id[BOOT_ID_TEXT];
	char run_id[RUN_ID_TEXT];
	int lock_fd; /* lock file beside the database */
	int root_fd; /* the pin root; -1: not opened */
	uint64_t root_dev;
	bool locked;
	bool recovering;   /* what is settled now was left by an earlier session */
	bool login_known;  /* login_uid was looked for */
	int64_t login_uid; /* event.c */
	/* The command that runs, for its events. All zero: none does. */
	struct {
		const char *name, *text; /* borrowed */
		size_t len;
		bool told; /* an event has told what it changed, or it changed nothing */
		enum db_kind about_kind;
		int64_t about_id;
		char *about; /* the name of what it works on; NULL: not known yet */
	} command;
	/* The run is all or nothing (atomic.c). All zero: it is not. */
	struct {
		bool wanted;		 /* from its first change on, which comes yet or has come */
		bool open;		 /* undecided: the locks are held, and rows are pending */
		bool told;		 /* it is decided, and its events are written */
		int64_t first_id;	 /* what it made has this id or a higher one */
		struct db_event *events; /* to be written with the decision */
		size_t event_count;
	} atomic;
	/* look.c: what was learned of the pin root, for this list */
	struct root_sight {
		bool known;
		int err; /* of stat */
		bool bpffs;
		uint64_t dev;
	} sight;
	int look_fd; /* the pin root, while many pins are looked at; -1: not opened */
	/* netns.c: network namespaces that were looked into, for this list */
	struct netns_sight *netns;
	size_t netns_count;
};

/* ---- manager.c ---- */
/* Tells the user a line, if somebody listens. */
void manager_notice(struct manager *m, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The worker's client, made when first asked for. */
int manager_client(struct manager *m, struct client **client, struct error *e);
/* Opens locks, root, worker and database for writing, in the order that STATE asks for. */
int manager_open_write(struct manager *m, struct error *e);
/* Closes what manager_open_write() opened; the worker, which shares the locks, ends. */
void manager_close_write(struct manager *m);
/* One request to the worker; takes the request over. See client_do(). */
int manager_do(struct manager *m, const char *subject, json_t *request, json_t **answer,
	       struct error *e);
/* The same of the reading worker: for what changes nothing, and needs no lock. */
int manager_ask(struct manager *m, const char *subject, json_t *request, json_t **answer,
		struct error *e);

/*
 * Both with the elements of the result's "entries" as text, see client_do_entries(). NULL: they are
 * in the answer.
 */
int manager_do_entries(struct manager *m, const char *subject, json_t *request, struct buf *entries,
		       json_t **answer, struct error *e);
int manager_ask_entries(struct manager *m, const char *subject, json_t *request,
			struct buf *entries, json_t **answer, struct error *e);

/* ---- event.c ---- */
/*
 * Each change that a command makes is an event. Whoever settles a change calls event_add() inside
 * the transaction that settles it, once for each thing that a user would name: the object of a
 * load, the link of an attach. id and name are remembered as they are, whatever becomes of the
 * thing; message (NULL: none) is what the command's text does not say. During recovery the event
 * is that of "recover", without a command. Nothing happens in a dry run.
 */
int event_add(struct manager *m, enum db_kind kind, int64_t id, const char *name,
	      const char *message, struct error *e);
/* A part of what the command does failed, and it goes on: an event of its own. */
void event_add_failure(struct manager *m, enum db_kind kind, int64_t id, const char *name,
		       const struct error *failure);
/* What the command works on, as soon as that is known: told should it fail. id 0: it has none. */
void event_about(struct manager *m, enum db_kind kind, int64_t id, const char *name);
/* No command runs. */
void event_forget(struct manager *m);

/* ---- resolve.c ---- */
/* Whether text is kernel:ID or k:ID. */
bool name_kernel_id(const char *text, uint32_t *id);

/* ---- census.c ---- */
/*
 * Refuses (-EPERM, the holder named) what the kernel has under this id though bpfman does not
 * manage it; 0: it has nothing such, or cannot be asked.
 */
int census_refuse(struct manager *m, unsigned want, uint32_t kernel_id, struct error *e);

/* ---- root.c ---- */
#define ROOT_OWNER    "owner_"	 /* begins the name of the directory that says whose a root is */
#define ROOT_TAKEN    "taken_"	 /* begins that of what another owner left in it */
#define ROOT_RELEASED "released" /* what is no longer ours, and stays pinned */
/* What is left of a name in a pin's. */
#define ROOT_PIN_NAME_BYTES          \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
/* Makes sure of the pin root: bpffs there, directory made, opened as m->root_fd. */
int root_open(struct manager *m, struct error *e);
/* Claims the root for this database; called with both locks held. */
int root_claim(struct manager *m, struct error *e);
/*
 * The same of another database's: what is in it goes, as it is, into ROOT/taken_<that one's uuid>,
 * where no id of ours can meet it. May be repeated after a kill.
 */
int root_take(struct manager *m, struct error *e);
/* Paths below the root; caller frees; NULL: lost memory. */
char *root_object_dir(struct manager *m, int64_t object_id);
char *root_staging_dir(struct manager *m, int64_t object_id);
/* Where the other build is, before and after they change places. */
char *root_upgrade_dir(struct manager *m, int64_t object_id);
char *root_by_name_dir(struct manager *m);
/* Where a link of this program is pinned, and where it waits until it is whole. */
char *root_link_pin(struct manager *m, int64_t object_id, int64_t link_id, const char *program);
char *root_link_staging(struct manager *m, int64_t link_id);
/* The same of a link that is made with its object: inside the object's directory. */
char *root_link_waiting(struct manager *m, int64_t object_id, int64_t link_id);
/* Where what is released goes when nobody says where. */
char *root_released_dir(struct manager *m, int64_t id, const char *name);
/* Whether path is the root or lies below it. */
bool root_contains(struct manager *m, const char *path);

/* ---- lock.c ---- */
int lock_open(struct manager *m, struct error *e);
/* Takes both locks, claims the root and recovers. */
int manager_lock(struct manager *m, struct error *e);
/* The same, but takes the root from whatever database has it. */
int manager_lock_taking(struct manager *m, struct error *e);
/*
 * Waits until nobody changes anything, and keeps it so until *fd is closed; -1: we hold the locks
 * ourselves, or there is nothing to be locked out of.
 */
int lock_shared(struct manager *m, int *fd, struct error *e);
/* With no request outstanding: lets other sessions go on. */
void manager_unlock(struct manager *m);

/* ---- atomic.c ---- */
/* The locks are held, nothing is left unsettled: a run that is all or nothing begins. */
int atomic_open(struct manager *m, struct error *e);
/* Remembers an event until the run is decided. */
int atomic_keep_event(struct manager *m, const struct db_event *event, struct error *e);
/* A run that a session left undecided becomes pending rows, and those it unloaded are loaded. */
int atomic_recover(struct manager *m, struct error *e);

/* ---- recover.c ---- */
/* Takes back every pending link and object, the newest first. */
int recover_pending_all(struct manager *m, struct error *e);
/* Settles every row that is not; called with the locks held. */
int recover(struct manager *m, struct error *e);
/* Takes back one pending object: pins first, then the row. Called outside any transaction. */
int recover_pending(struct manager *m, const struct db_object *o, struct error *e);
/*
 * Adds to an "unpin" request's pins the maps pinned by name that no row knows: a load published
 * them and never settled.
 */
int recover_unknown_by_name(struct manager *m, json_t *pins, struct error *e);
/* The same of one pending link. */
int recover_pending_link(struct manager *m, const struct db_link *l, struct error *e);

/* ---- unload.c, unload_mark.c ---- */
/* Adds a pin to an "unpin" request's list; without an identity it goes whatever it is. */
int request_pin(json_t *pins, const char *path, const struct db_identity *identity,
		struct error *e);
/* Tells kept (NULL: nobody) what an "unpin" left in place, or what lives on without its pin. */
void unload_tell_kept(const json_t *answer, manager_kept_fn kept, void *data);
/* The run that is to be remembered with what is unloaded; NULL: while nothing is decided, none. */
const char *unload_run_id(const struct manager *m);
/* Finishes whatever is marked unloading: links, then pins, then the rows. */
int unload_finish(struct manager *m, manager_kept_fn kept, void *data, struct error *e);
/* The same; where the worker dies over it, it is carried on with a new one. */
int unload_finish_surely(struct manager *m, manager_kept_fn kept, void *data, struct error *e);
/* Refuses what cannot be told to be ours, or gone. */
int check_reachable(struct manager *m, const char *kind, int64_t id, const char *name,
		    struct look look, struct error *e);

/* ---- attach_move.c ---- */
/* The link that was moved to a pending link's program runs the one before again. */
int attach_move_back(struct manager *m, const struct db_link *l, struct error *e);

/* ---- attach_request.c ---- */
/* An "attach" request of a program, without the places of its pins; p->pin NULL: it is planned. */
int attach_request(struct manager *m, const struct manager_attachment *what,
		   const struct db_program *p, json_t **request, struct error *e);
/* What was asked for, as JSON to do it again; caller frees. */
int attach_options(const struct manager_attachment *what, char **text, struct error *e);
/* Fills type, target and identity of a link from the worker's row; cleared with the link. */
int attach_read_row(const json_t *row, struct db_link *l, struct error *e);

/* ---- look.c ---- */
/* The file system where the pin root is, or would be: of its nearest existing ancestor. */
const struct root_sight *look_at_root(struct manager *m);
/* Of a link's pin alone. */
struct look look_at_link_pin(struct manager *m, const struct db_link *l);

/* ---- netns.c ---- */
/*
 * Whether an interface is there, in the namespace with this identity; cookie 0: its cookie is not
 * known; path may be NULL. ifindex 0: whether the namespace is.
 */
struct look netns_look(struct manager *m, uint64_t dev, uint64_t ino, uint64_t cookie,
		       const char *path, uint32_t ifindex);
void netns_forget(struct manager *m);

/* ---- parents.c ---- */
/* The missing parent directories of path, remembered in the open transaction. */
int parents_remember(struct manager *m, const char *path, struct error *e);
/* A JSON list of remembered directories that lead to path, children first; NULL: lost memory. */
int parents_leading_to(struct manager *m, const char *path, json_t *list, struct error *e);
/* Forgets the directories that no longer exist; in the open transaction. */
int parents_forget(struct manager *m, struct error *e);
/* Forgets those that no second name of ours is in any more; in the open transaction. */
int parents_disown(struct manager *m, struct error *e);

/* ---- input.c ---- */
struct input {
	char *path; /* absolute */
	void *bytes;
	size_t len;
	char sha256[65];
	char *base64;
};
/* SHA-256 of bytes, as lower-case hex. */
void input_hash(const void *bytes, size_t len, char sha256[65]);
int input_read(struct input *in, const char *path, struct error *e);
/* The bytes as base64; path is only what the file is called. */
int input_given(struct input *in, const char *path, const char *base64, struct error *e);
/* The stored bytes of an object's file: its path and sha256 say which. */
int input_stored(struct input *in, struct db *db, const struct db_object *o, struct error *e);
void input_free(struct input *in);
/* Adds the bytes and the object's name to a request. */
int input_attach(const struct input *in, const char *object_name, json_t *request, struct error *e);

/* ---- ephemeral.c ---- */
int ephemeral_begin(struct manager *m, struct error *e);
void ephemeral_end(struct manager *m);

#endif
