/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/grow.h"

#include <stdlib.h>

void *grow(void *array, size_t count, size_t size)
{
	if (array && (count & (count - 1)))
		return array;
	return reallocarray(array, count ? 2 * count : 1, size);
}
