/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"
#include "kernel/worker/attach.h"
#include "kernel/worker/names.h"
#include "kernel/worker/symbols.h"

enum { VERSION_HIDDEN = 0x8000 }; /* of .gnu.version: not the version that linkers choose */

/* Which of several symbols of a name is meant. */
enum rank { NONE, HIDDEN, LOCAL, WEAK, GLOBAL };

struct search {
	const char *wanted; /* NULL: every function's name goes to names */
	struct names *names;
	const char *pattern; /* not NULL: offsets of all that match go to matches */
	struct symbols *matches;
	bool lost; /* memory ran out */
	GElf_Sym best;
	enum rank rank;
	bool ambiguous;
};

static enum rank rank_of(const GElf_Sym *symbol, bool hidden)
{
	if (hidden)
		return HIDDEN;
	switch (GELF_ST_BIND(symbol->st_info)) {
	case STB_GLOBAL:
		return GLOBAL;
	case STB_WEAK:
		return WEAK;
	default:
		return LOCAL;
	}
}

static bool is_function(const GElf_Sym *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC);
}

static void consider(struct search *s, const GElf_Sym *symbol, const char *name, bool hidden)
{
	enum rank rank = rank_of(symbol, hidden);

	if (!s->wanted) {
		names_add(s->names, name);
		return;
	}
	if (strcmp(name, s->wanted) != 0 || rank < s->rank)
		return;
	s->ambiguous = rank == s->rank && (s->ambiguous || symbol->st_value != s->best.st_value);
	s->rank = rank;
	s->best = *symbol;
}

/* The versions of the dynamic symbols; NULL when there are none. */
static Elf_Data *versions_of(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_GNU_versym)
			return elf_getdata(section, NULL);
	return NULL;
}

/* From an address to the place in the file that is mapped there. */
static bool file_offset(Elf *elf, uint64_t address, uint64_t *offset)
{
	GElf_Phdr segment;
	size_t count;
	size_t i;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (i = 0; i < count && gelf_getphdr(elf, (int)i, &segment); i++) {
		if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X) ||
		    address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
			continue;
		*offset = address - segment.p_vaddr + segment.p_offset;
		return true;
	}
	return false;
}

static void add_match(Elf *elf, struct search *s, const GElf_Sym *symbol, const char *name)
{
	struct symbols *m = s->matches;
	unsigned long *grown;
	uint64_t offset;

	if (GELF_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC || fnmatch(s->pattern, name, 0) != 0 ||
	    !file_offset(elf, symbol->st_value, &offset))
		return;
	grown = grow(m->offsets, m->count, sizeof(*grown));
	if (!grown) {
		s->lost = true;
		return;
	}
	m->offsets = grown;
	m->offsets[m->count++] = offset;
}

static void search_table(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, Elf_Data *versions,
			 struct search *s)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	GElf_Sym symbol;
	size_t i;

	for (i = 0; data && i < count && gelf_getsym(data, (int)i, &symbol); i++) {
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
		GElf_Versym version = 0;

		if (!name || !*name || !is_function(&symbol))
			continue;
		if (versions)
			gelf_getversym(versions, (int)i, &version);
		if (s->pattern)
			add_match(elf, s, &symbol, name);
		else
			consider(s, &symbol, name, version & VERSION_HIDDEN);
	}
}

static void search_all(Elf *elf, struct search *s)
{
	Elf_Data *versions = versions_of(elf);
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_DYNSYM)
			search_table(elf, section, &header, versions, s);
		else if (header.sh_type == SHT_SYMTAB)
			search_table(elf, section, &header, NULL, s);
	}
}

static void read_note(Elf_Data *notes, char build_id[BUILD_ID])
{
	size_t at = 0, name, value, next;
	GElf_Nhdr note;

	while ((next = gelf_getnote(notes, at, &note, &name, &value)) > 0) {
		const unsigned char *id = (const unsigned char *)notes->d_buf + value;
		size_t i;

		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp((const char *)notes->d_buf + name, "GNU", 4) == 0) {
			for (i = 0; i < note.n_descsz && 2 * i + 2 < BUILD_ID; i++)
				snprintf(build_id + 2 * i, 3, "%02x", id[i]);
			return;
		}
		at = next;
	}
}

static void read_build_id(Elf *elf, char build_id[BUILD_ID])
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	build_id[0] = '\0';
	while (!build_id[0] && (section = elf_nextscn(elf, section))) {
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
			continue;
		data = elf_getdata(section, NULL);
		if (data)
			read_note(data, build_id);
	}
}

static int no_such_function(Elf *elf, const char *path, const char *function, struct failure *f)
{
	struct names names = { 0 };
	struct search s = { .names = &names };

	search_all(elf, &s);
	attach_no_target(f, ENOENT, names_nearest(&names, function), "%s has no function '%s'",
			 path, function);
	if (!names.count)
		error_hint(&f->error, "it has no symbols at all: it is stripped");
	names_free(&names);
	return -ENOENT;
}

static int find(Elf *elf, const char *path, const char *function, struct symbol *symbol,
		struct failure *f)
{
	struct search s = { .wanted = function };

	search_all(elf, &s);
	if (s.rank == NONE)
		return no_such_function(elf, path, function, f);
	if (s.ambiguous)
		return fail(f, STAGE_ATTACH, REASON_UNFIT, EINVAL, "%s has several functions '%s'",
			    path, function);
	if (GELF_ST_TYPE(s.best.st_info) == STT_GNU_IFUNC) {
		fail(f, STAGE_ATTACH, REASON_UNFIT, EINVAL,
		     "%s: '%s' stands for one of several functions, chosen at run time (IFUNC)",
		     path, function);
		return error_hint(&f->error, "attach to the one that this machine runs");
	}
	if (!file_offset(elf, s.best.st_value, &symbol->offset))
		return fail(f, STAGE_ATTACH, REASON_BAD_TARGET, ENOEXEC,
			    "%s: '%s' is not in what is executed of the file", path, function);
	symbol->size = s.best.st_size;
	read_build_id(elf, symbol->build_id);
	return 0;
}

/* Opens a file for libelf; *fd -1 and *elf NULL when it fails. */
static int open_elf(const char *path, int *fd, Elf **elf, struct failure *f)
{
	elf_version(EV_CURRENT);
	*elf = NULL;
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return fail(f, STAGE_ATTACH, REASON_OTHER, errno, "cannot open %s: %s", path,
			    strerror(errno));
	*elf = elf_begin(*fd, ELF_C_READ, NULL);
	if (!*elf)
		return fail(f, STAGE_ATTACH, REASON_BAD_TARGET, ENOEXEC, "%s: %s", path,
			    elf_errmsg(-1));
	if (elf_kind(*elf) != ELF_K_ELF)
		return fail(f, STAGE_ATTACH, REASON_BAD_TARGET, ENOEXEC, "%s is not an ELF file",
			    path);
	return 0;
}

static void close_elf(int fd, Elf *elf)
{
	elf_end(elf);
	if (fd >= 0)
		close(fd);
}

int symbol_find(const char *path, const char *function, struct symbol *symbol, struct failure *f)
{
	Elf *elf;
	int fd;
	int err = open_elf(path, &fd, &elf, f);

	if (!err)
		err = find(elf, path, function, symbol, f);
	close_elf(fd, elf);
	return err;
}

static int by_number(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return (x > y) - (x < y);
}

int symbols_match(const char *path, const char *pattern, struct symbols *found, struct failure *f)
{
	struct search s = { .pattern = pattern, .matches = found };
	size_t kept = 0;
	Elf *elf;
	int fd;
	int err = open_elf(path, &fd, &elf, f);

	if (!err) {
		search_all(elf, &s);
		read_build_id(elf, found->build_id);
	}
	close_elf(fd, elf);
	if (err)
		return err;
	if (s.lost)
		return fail_nomem(f);
	if (!found->count)
		return fail(f, STAGE_ATTACH, REASON_NO_TARGET, ENOENT,
			    "%s has no function that matches '%s'", path, pattern);
	qsort(found->offsets, found->count, sizeof(*found->offsets), by_number);
	for (size_t i = 0; i < found->count; i++)
		if (!kept || found->offsets[kept - 1] != found->offsets[i])
			found->offsets[kept++] = found->offsets[i];
	found->count = kept;
	return 0;
}
