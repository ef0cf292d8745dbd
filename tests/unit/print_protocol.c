/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints doc/protocol.md, which is made from the protocol's tables. */
#include <stdio.h>

#include "kernel/protocol/protocol.h"

int main(void)
{
	struct buf text = { 0 };
	int failed;

	protocol_document(&text);
	failed = buf_error(&text) || fputs(buf_text(&text), stdout) == EOF || fflush(stdout);
	buf_free(&text);
	return failed ? 1 : 0;
}
