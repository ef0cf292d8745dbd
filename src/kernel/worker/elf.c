/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/worker/elf.h"

#ifndef EM_BPF
#define EM_BPF 247
#endif

static const unsigned char host_order = BYTE_ORDER == LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;

static const char *machine_name(unsigned int machine)
{
	static const struct {
		unsigned int machine;
		const char *name;
	} names[] = {
		{ EM_X86_64, "x86-64" }, { EM_AARCH64, "arm64" },	{ EM_386, "i386" },
		{ EM_ARM, "arm" },	 { EM_RISCV, "riscv" },		{ EM_S390, "s390" },
		{ EM_PPC64, "ppc64" },	 { EM_LOONGARCH, "loongarch" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].machine == machine)
			return names[i].name;
	return NULL;
}

static int not_elf(struct failure *f, const char *label, const char *what)
{
	fail(f, STAGE_OPEN, REASON_NOT_ELF, ENOEXEC, "%s %s", label, what);
	return error_hint(&f->error, "BPF objects are made with: clang -O2 -g -target bpf -c");
}

static int other_machine(struct failure *f, const char *label, unsigned int machine)
{
	const char *name = machine_name(machine);

	if (name)
		fail(f, STAGE_OPEN, REASON_BAD_ELF, ENOEXEC,
		     "%s is an ELF file for %s, not for BPF", label, name);
	else
		fail(f, STAGE_OPEN, REASON_BAD_ELF, ENOEXEC,
		     "%s is an ELF file for machine %u, not for BPF (%d)", label, machine, EM_BPF);
	return error_hint(&f->error, "BPF objects are made with: clang -O2 -g -target bpf -c");
}

static int bad_elf(struct failure *f, const char *label, const char *what)
{
	return fail(f, STAGE_OPEN, REASON_BAD_ELF, ENOEXEC, "%s %s", label, what);
}

int elf_check(const void *bytes, size_t size, const char *label, struct failure *f)
{
	Elf64_Ehdr header;

	if (size == 0)
		return not_elf(f, label, "is empty");
	if (size < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return not_elf(f, label, "is not an ELF object file");
	if (size < sizeof(header))
		return bad_elf(f, label, "is cut off within its ELF header");
	memcpy(&header, bytes, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64)
		return bad_elf(f, label, "is not a 64-bit ELF file");
	if (header.e_ident[EI_DATA] != host_order)
		return bad_elf(f, label, "has another byte order than this machine");
	/* Early compilers left the machine at 0. */
	if (header.e_machine != EM_BPF && header.e_machine != EM_NONE)
		return other_machine(f, label, header.e_machine);
	if (header.e_type != ET_REL)
		return bad_elf(f, label, "is linked; an object file (relocatable) is needed");
	if (header.e_shoff > size || header.e_shnum > (size - header.e_shoff) / sizeof(Elf64_Shdr))
		return bad_elf(f, label, "is cut off: its section table lies beyond its end");
	return 0;
}

static bool section(const void *bytes, size_t size, const Elf64_Ehdr *header, size_t index,
		    Elf64_Shdr *out)
{
	size_t at = header->e_shoff + index * sizeof(*out);

	if (index >= header->e_shnum)
		return false;
	memcpy(out, (const char *)bytes + at, sizeof(*out));
	return out->sh_type == SHT_NOBITS ||
	       (out->sh_offset <= size && out->sh_size <= size - out->sh_offset);
}

char *elf_license(const void *bytes, size_t size)
{
	const char *text = bytes;
	Elf64_Shdr names, found;
	Elf64_Ehdr header;
	size_t i;

	memcpy(&header, bytes, sizeof(header));
	if (!section(bytes, size, &header, header.e_shstrndx, &names) ||
	    names.sh_type == SHT_NOBITS)
		return NULL;
	for (i = 1; i < header.e_shnum; i++) {
		static const char wanted[] = "license";

		if (!section(bytes, size, &header, i, &found) || found.sh_type == SHT_NOBITS ||
		    found.sh_name > names.sh_size || names.sh_size - found.sh_name < sizeof(wanted))
			continue;
		if (memcmp(text + names.sh_offset + found.sh_name, wanted, sizeof(wanted)) == 0)
			return strndup(text + found.sh_offset, found.sh_size);
	}
	return NULL;
}
