/*
 * sample: messages to start from, and parsing that ends at an unreadable page.
 */
#ifndef TESTS_UNIT_SIP_SAMPLE_H
#define TESTS_UNIT_SIP_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/sip/sip.h"
#include "tests/unit/guard.h"

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

#define SAMPLE_TOP                                                                                           \
	"Via: SIP/2.0/TLS edge.fabrikam.example:5061;branch=z9hG4bK776asdhds\r\n"                            \
	"Max-Forwards: 70\r\n"                                                                               \
	"To: <sip:bob@contoso.example>\r\n"                                                                  \
	"From: \"Alice\" <sip:alice@fabrikam.example>;tag=1928301774;epid=4a\r\n"                            \
	"Call-ID: a84b4c76e66710@edge.fabrikam.example\r\n"
#define SAMPLE_MESSAGE(extra, length, body)                                                                  \
	"MESSAGE sip:bob@contoso.example SIP/2.0\r\n" SAMPLE_TOP "CSeq: 1 MESSAGE\r\n" extra                 \
	"Content-Type: text/plain\r\nContent-Length: " length "\r\n\r\n" body
#define SAMPLE_EMPTY(method, extra)                                                                          \
	method " sip:bob@contoso.example SIP/2.0\r\n" SAMPLE_TOP "CSeq: 1 " method "\r\n" extra              \
	       "Content-Length: 0\r\n\r\n"
#define SAMPLE_RESPONSE(status, extra)                                                                       \
	"SIP/2.0 " status "\r\n" SAMPLE_TOP "CSeq: 1 MESSAGE\r\n" extra "Content-Length: 0\r\n\r\n"

struct parsed {
	struct guard guard;
	struct arena arena;
	struct sip_message message;
	struct sip_fault fault;
	enum sip_parse answer;
};

static inline void parsed_start(struct parsed *p, struct slice text)
{
	*p = (struct parsed){ .guard = guard_copy(text) };
	arena_start(&p->arena, SIP_MESSAGE_ARENA_MAX);
	p->answer = sip_message_parse(p->guard.bytes, &p->arena, &p->message, &p->fault);
}

static inline void parsed_stop(struct parsed *p)
{
	arena_stop(&p->arena);
	guard_free(&p->guard);
}

/* 0: accepted by parser and validation; else the status it is answered, or for a response would be. */
static inline int sample_verdict(struct slice text)
{
	struct parsed p;
	int status = 0;

	parsed_start(&p, text);
	if (p.answer != SIP_PARSE_OK)
		status = p.fault.status;
	else if (!(p.message.is_request ? sip_validate_request : sip_validate_response)(&p.message, &p.fault))
		status = p.fault.status;
	if (status)
		assert_non_null(p.fault.why);
	assert_true(p.fault.offset <= text.len);
	parsed_stop(&p);
	return status;
}

static inline void assert_slice(struct slice got, const char *wanted)
{
	if (!slice_equal(got, slice_of(wanted)))
		fail_msg("got \"%.*s\", wanted \"%s\"", SLICE_ARG(got), wanted);
}

#endif
