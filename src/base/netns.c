/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/netns.h"

#include <sys/socket.h>
#include <unistd.h>

enum { NETNS_COOKIE = 71 }; /* SO_NETNS_COOKIE, for headers before Linux 5.14 */

uint64_t netns_cookie_here(void)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, NETNS_COOKIE, &cookie, &size))
		cookie = 0;
	close(fd);
	return cookie;
}
