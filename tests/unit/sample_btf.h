/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SAMPLE_BTF_H
#define SAMPLE_BTF_H

#include <bpf/btf.h>
#include <linux/btf.h>

/* Types of every kind, made by hand; each is what the comment says in C. */
struct sample_btf {
	struct btf *btf;
	int u8, s8, u16, u32, s32, u64, s64, u128, boolean, character, f32, f64;
	int pointer; /* void * */
	int color;   /* enum color { RED, GREEN = 5, BLUE = 0x7fffffff } */
	int level;   /* enum level { LOW = -1, HIGH = 1 } */
	int wide;    /* enum wide : u64 { NONE, ALL = 1ull << 63 } */
	int name;    /* typedef char name_t[8] */
	int numbers; /* const int[3] */
	int matrix;  /* u16[2][2] */
	int range;   /* struct range { u16 min, max; } */
	int either;  /* union either { u8 small; u32 number; u8 bytes[4]; } */
	int bits;    /* struct bits { u32 a : 3; s32 b : 5; enum color c : 24; u64 d : 40; } */
	int config;  /* struct config { name_t name; range ports[2]; union { u32 v4; u16 v6[2]; };
		      * bool on; color color; } */
	int empty;   /* struct empty { } */
	int forward; /* struct forward; */
};

static inline void sample_btf_make(struct sample_btf *s)
{
	struct btf *b = btf__new_empty();
	int inner, row, ports, octets;

	*s = (struct sample_btf){ .btf = b };
	s->u8 = btf__add_int(b, "unsigned char", 1, 0);
	s->s8 = btf__add_int(b, "signed char", 1, BTF_INT_SIGNED);
	s->u16 = btf__add_int(b, "unsigned short", 2, 0);
	s->u32 = btf__add_int(b, "unsigned int", 4, 0);
	s->s32 = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	s->u64 = btf__add_int(b, "unsigned long", 8, 0);
	s->s64 = btf__add_int(b, "long", 8, BTF_INT_SIGNED);
	s->u128 = btf__add_int(b, "unsigned __int128", 16, 0);
	s->boolean = btf__add_int(b, "_Bool", 1, BTF_INT_BOOL);
	s->character = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
	s->f32 = btf__add_float(b, "float", 4);
	s->f64 = btf__add_float(b, "double", 8);
	s->pointer = btf__add_ptr(b, 0);
	s->color = btf__add_enum(b, "color", 4);
	btf__add_enum_value(b, "RED", 0);
	btf__add_enum_value(b, "GREEN", 5);
	btf__add_enum_value(b, "BLUE", 0x7fffffff);
	s->level = btf__add_enum(b, "level", 4);
	btf__add_enum_value(b, "LOW", -1);
	btf__add_enum_value(b, "HIGH", 1);
	s->wide = btf__add_enum64(b, "wide", 8, false);
	btf__add_enum64_value(b, "NONE", 0);
	btf__add_enum64_value(b, "ALL", 1ull << 63);
	s->name = btf__add_typedef(b, "name_t", btf__add_array(b, s->s32, s->character, 8));
	s->numbers = btf__add_array(b, s->s32, btf__add_const(b, s->s32), 3);
	row = btf__add_array(b, s->s32, s->u16, 2);
	s->matrix = btf__add_array(b, s->s32, row, 2);
	s->range = btf__add_struct(b, "range", 4);
	btf__add_field(b, "min", s->u16, 0, 0);
	btf__add_field(b, "max", s->u16, 16, 0);
	octets = btf__add_array(b, s->s32, s->u8, 4);
	s->either = btf__add_union(b, "either", 4);
	btf__add_field(b, "small", s->u8, 0, 0);
	btf__add_field(b, "number", s->u32, 0, 0);
	btf__add_field(b, "bytes", octets, 0, 0);
	s->bits = btf__add_struct(b, "bits", 16);
	btf__add_field(b, "a", s->u32, 0, 3);
	btf__add_field(b, "b", s->s32, 3, 5);
	btf__add_field(b, "c", s->color, 8, 24);
	btf__add_field(b, "d", s->u64, 64, 40);
	inner = btf__add_union(b, NULL, 4);
	btf__add_field(b, "v4", s->u32, 0, 0);
	btf__add_field(b, "v6", row, 0, 0);
	ports = btf__add_array(b, s->s32, s->range, 2);
	s->config = btf__add_struct(b, "config", 28);
	btf__add_field(b, "name", s->name, 0, 0);
	btf__add_field(b, "ports", ports, 64, 0);
	btf__add_field(b, NULL, inner, 128, 0);
	btf__add_field(b, "on", s->boolean, 160, 0);
	btf__add_field(b, "color", s->color, 192, 0);
	s->empty = btf__add_struct(b, "empty", 0);
	s->forward = btf__add_fwd(b, "forward", BTF_FWD_STRUCT);
}

#endif
