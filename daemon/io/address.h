/*
 * address: an IP address with a port, as text and as binary; which ranges may be dialled.
 */
#ifndef DAEMON_IO_ADDRESS_H
#define DAEMON_IO_ADDRESS_H

#include <sys/socket.h>
#include <netinet/in.h>

#include "shared/base/result.h"
#include "shared/base/slice.h"

enum { ADDRESS_TEXT_BYTES = 64 };

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t length;
};

/* "192.0.2.1", "192.0.2.1:5061", "2001:db8::1", "[2001:db8::1]:5061". v4-mapped becomes v4. */
enum result address_read(struct slice text, uint16_t default_port, struct address *out, struct reason *reason);
/* "192.0.2.1:5061" or "[2001:db8::1]:5061". */
const char *address_text(const struct address *address, char to[ADDRESS_TEXT_BYTES]);
/* Without port and brackets: as in Via's received. */
const char *address_host_text(const struct address *address, char to[ADDRESS_TEXT_BYTES]);
uint16_t address_port(const struct address *address);
struct address address_with_port(const struct address *address, uint16_t port);
struct address address_unmapped(const struct address *address); /* v4-mapped becomes v4; others as they are */
bool address_equal(const struct address *a, const struct address *b);      /* with port */
bool address_same_host(const struct address *a, const struct address *b);  /* without */

struct address_prefix {
	struct address base;
	unsigned bits;
};
enum result address_prefix_read(struct slice text, struct address_prefix *out, struct reason *reason);
bool address_in_prefix(const struct address *address, const struct address_prefix *prefix);

/*
 * Unspecified, loopback, link-local, private (RFC 1918, RFC 4193, 100.64/10), multicast, reserved,
 * documentation excepted; decided on the binary form after v4-mapped addresses are unwrapped.
 */
bool address_is_special(const struct address *address);

#endif
