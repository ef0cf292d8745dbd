/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_BASE_CLOCK_H
#define BPFMAN_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since the epoch, CLOCK_REALTIME. */
int64_t clock_now(void);
/* Nanoseconds of CLOCK_MONOTONIC, for durations. */
int64_t clock_monotonic(void);

enum { CLOCK_TEXT = 40 };

/* RFC 3339 in UTC with milliseconds, "2026-11-22T21:25:21.042Z". */
void clock_rfc3339(int64_t ns, char text[CLOCK_TEXT]);
/* A duration for people: "850 us", "12.3 ms", "4.2 s", "3 min 20 s". */
void clock_duration(int64_t ns, char text[CLOCK_TEXT]);

#endif
