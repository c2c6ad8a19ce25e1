/*
 * A peer of another make: GnuTLS without our stream, or a bare socket.
 */
#ifndef TESTS_UNIT_IO_RAW_H
#define TESTS_UNIT_IO_RAW_H

#include "tests/unit/io/ways.h"

struct raw {
	int fd;
	gnutls_session_t session;
	bool is_shaken;
};

static struct raw raw;
static struct loop_timer raw_timer;

static inline ssize_t raw_pull(gnutls_transport_ptr_t owner, void *to, size_t size)
{
	ssize_t n = recv(*(int *)owner, to, size, MSG_DONTWAIT);

	if (n < 0)
		gnutls_transport_set_errno(raw.session, errno);
	return n;
}

static inline void raw_step(void *owner)
{
	struct pair *pair = owner;
	int code = gnutls_handshake(raw.session);

	raw.is_shaken = code == 0;
	pair_look(pair);
	if (code == GNUTLS_E_AGAIN)
		loop_timer_set(pair->loop, &raw_timer, 1, raw_step, pair);
}

static inline int raw_connect(struct pair *pair)
{
	const struct address *to = listener_address(pair->listener);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	assert_int_equal(connect(fd, &to->any, to->length), 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static inline bool raw_is_shaken(struct pair *pair) { return raw.is_shaken && pair->server.is_up; }

/* A GnuTLS client of its own, up to the end of the handshake. */
static inline void raw_start(struct pair *pair, struct tls_credentials *credentials)
{
	pair_start(pair, NULL, good);
	raw = (struct raw){ .fd = raw_connect(pair) };
	zoo_ok(gnutls_init(&raw.session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL));
	zoo_ok(gnutls_priority_set(raw.session, credentials->priority));
	zoo_ok(gnutls_credentials_set(raw.session, GNUTLS_CRD_CERTIFICATE, credentials->x509));
	gnutls_transport_set_ptr2(raw.session, &raw.fd, (gnutls_transport_ptr_t)(intptr_t)raw.fd);
	gnutls_transport_set_pull_function(raw.session, raw_pull);
	raw_step(pair);
	pair_run(pair, raw_is_shaken);
}

static inline void raw_stop(struct pair *pair)
{
	loop_timer_stop(&raw_timer);
	if (raw.session)
		gnutls_deinit(raw.session);
	close(raw.fd);
	raw = (struct raw){ .fd = -1 };
	pair->client.is_closed = true;
	pair_stop(pair);
}

#endif
