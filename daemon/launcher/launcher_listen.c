#include <sys/socket.h>
#include <unistd.h>

#include "daemon/launcher/launcher_parts.h"

static bool is_whole(const struct address *a)
{
	return (a->any.sa_family == AF_INET && a->length == sizeof a->v4) ||
	       (a->any.sa_family == AF_INET6 && a->length == sizeof a->v6);
}

enum result launcher_listen(const struct address *address, int *fd, struct reason *reason)
{
	const int on = 1;
	enum result result;

	*fd = -1;
	if (!is_whole(address))
		return fail(reason, RESULT_INVALID, "no IPv4 or IPv6 address");
	*fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return fail_errno(reason, RESULT_IO, "socket");
	if (setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    (address->any.sa_family == AF_INET6 &&
	     setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0))
		result = fail_errno(reason, RESULT_IO, "socket option");
	else if (bind(*fd, &address->any, address->length) != 0)
		result = fail_errno(reason, RESULT_IO, "bind");
	else if (listen(*fd, LAUNCHER_BACKLOG) != 0)
		result = fail_errno(reason, RESULT_IO, "listen");
	else
		return RESULT_OK;
	close(*fd);
	*fd = -1;
	return result;
}
