/*
 * validate: what parses and yet must not go further.  RFC 3261 §16.3 steps 1 to
 * 5 (loops are proxy.c's), RFC 4475.  One check a function, in the order in
 * which a sender should hear about them.
 */
#include "daemon/sip/grammar.h"
#include "daemon/sip/names.h"

typedef bool check(const struct sip_message *m, struct sip_fault *fault);

/* From "where in the value" to "where in the message"; an unfolded value lies elsewhere and keeps its own count. */
static bool refuse_at(const struct sip_message *m, struct slice value, struct sip_fault *fault)
{
	if (value.ptr >= m->head.ptr && value.ptr <= m->head.ptr + m->head.len)
		fault->offset += (size_t)(value.ptr - m->head.ptr);
	return false;
}

static bool refuse(struct sip_fault *fault, int status, const char *why)
{
	*fault = (struct sip_fault){ 0, why, status };
	return false;
}

/* §16.3 step 2.  The edge routes by domain; a tel URI has none and an unknown scheme says nothing. */
static bool has_known_scheme(const struct sip_message *m, struct sip_fault *fault)
{
	return m->target_uri.scheme == SIP_URI_SIP || m->target_uri.scheme == SIP_URI_SIPS ||
	       refuse(fault, 416, "the Request-URI is neither sip nor sips");
}

/* §16.3 step 3.  No Max-Forwards means yes.  OPTIONS that end here are answered, not refused. */
static bool has_hops_left(const struct sip_message *m, struct sip_fault *fault)
{
	return m->max_forwards > 0 || m->method == SIP_OPTIONS || refuse(fault, 483, "Max-Forwards is 0");
}

/* §8.1.1.7: the cookie promises an identifier behind it (RFC 4475 §3.2.1). No cookie: RFC 2543, still fine. */
static bool has_transaction_id(const struct sip_message *m, struct sip_fault *fault)
{
	return !slice_equal_nocase(m->via.branch, SLICE("z9hG4bK")) ||
	       refuse(fault, 400, "a branch that is only the magic cookie");
}

static bool has_sound_vias(const struct sip_message *m, struct sip_fault *fault)
{
	struct sip_walk walk = { 0 };
	struct sip_via via;
	struct slice value;
	size_t count = 0;

	while (sip_message_walk(m, SIP_VIA, &walk, &value)) {
		if (++count > SIP_HOPS_MAX)
			return refuse(fault, 483, "more than 32 Via values");
		/* The topmost has been read by the parser. */
		if (count > 1 && sip_via_parse(value, &via, fault) != SIP_PARSE_OK)
			return refuse_at(m, value, fault);
	}
	return true;
}

/* §20.30, §20.34: name-addr only. Without brackets ";lr" would be read here as one thing and there as another. */
static bool has_sound_routes(const struct sip_message *m, enum sip_header_id id, struct sip_fault *fault)
{
	struct sip_walk walk = { 0 };
	struct sip_address address;
	struct slice value;
	size_t count = 0;

	while (sip_message_walk(m, id, &walk, &value)) {
		if (++count > SIP_HOPS_MAX)
			return refuse(fault, 400, "more than 32 values of Route or Record-Route");
		if (sip_address_parse(value, &address, fault) != SIP_PARSE_OK)
			return refuse_at(m, value, fault);
		if (address.uri.all.ptr == value.ptr)
			return refuse(fault, 400, "a route without '<>'");
	}
	return true;
}
static bool has_sound_route(const struct sip_message *m, struct sip_fault *fault)
{
	return has_sound_routes(m, SIP_ROUTE, fault);
}
static bool has_sound_record_route(const struct sip_message *m, struct sip_fault *fault)
{
	return has_sound_routes(m, SIP_RECORD_ROUTE, fault);
}

/* §20.10; "*" stands alone and only in REGISTER (§10.2.2). */
static bool has_sound_contacts(const struct sip_message *m, struct sip_fault *fault)
{
	struct sip_walk walk = { 0 };
	struct sip_address address;
	struct slice value;
	size_t count = 0;
	bool has_star = false;

	while (sip_message_walk(m, SIP_CONTACT, &walk, &value)) {
		if (++count > SIP_HOPS_MAX)
			return refuse(fault, 400, "more than 32 Contact values");
		if (slice_equal(value, SLICE("*")) && m->is_request && m->method == SIP_REGISTER)
			has_star = true;
		else if (sip_address_parse(value, &address, fault) != SIP_PARSE_OK)
			return refuse_at(m, value, fault);
	}
	return !has_star || count == 1 || refuse(fault, 400, "Contact: * beside other contacts");
}

/*
 * RFC 6665 §8.2.1: they mean nothing without the package.  PUBLISH and BENOTIFY need one too, but cross in no
 * direction: whatever they lack, 405 is what their sender has to hear (methods.def).
 */
static bool has_event(const struct sip_message *m, struct sip_fault *fault)
{
	bool needs_event = m->method == SIP_SUBSCRIBE || m->method == SIP_NOTIFY;
	const struct sip_header *event = sip_message_header(m, SIP_EVENT);

	return !needs_event || (event && event->value.len > 0) || refuse(fault, 489, "no Event");
}

/* §20.15: a body has a type. */
static bool has_typed_body(const struct sip_message *m, struct sip_fault *fault)
{
	const struct sip_header *type = sip_message_header(m, SIP_CONTENT_TYPE);

	return m->body.len == 0 || (type && type->value.len > 0) ||
	       refuse(fault, 400, "a body without Content-Type");
}

/* A compressed body cannot be looked at by those whose duty it is, and may be a bomb. */
static bool has_plain_body(const struct sip_message *m, struct sip_fault *fault)
{
	struct sip_walk walk = { 0 };
	struct slice coding;

	while (sip_message_walk(m, SIP_CONTENT_ENCODING, &walk, &coding))
		if (coding.len > 0 && !slice_equal_nocase(coding, SLICE("identity")))
			return refuse(fault, 415, "a Content-Encoding other than identity");
	return true;
}

/* §16.3 step 5.  The answer lists them all in Unsupported.  ACK and CANCEL carry none that count (§8.2.2.3). */
static bool needs_no_extension(const struct sip_message *m, struct sip_fault *fault)
{
	struct sip_walk walk = { 0 };
	struct slice option;

	if (m->method == SIP_ACK || m->method == SIP_CANCEL)
		return true;
	while (sip_message_walk(m, SIP_PROXY_REQUIRE, &walk, &option))
		if (option.len > 0)
			return refuse(fault, 420,
			              "Proxy-Require asks for an extension this edge does not have");
	return true;
}

/* RFC 4475 §3.1.2.16: what no sent-by can mean. */
static bool has_possible_next_hop(const struct sip_message *m, struct sip_fault *fault)
{
	struct sip_walk walk = { 0 };
	struct slice value;
	struct sip_via via;

	if (!sip_message_walk(m, SIP_VIA, &walk, &value) || !sip_message_walk(m, SIP_VIA, &walk, &value))
		return true;
	if (sip_via_parse(value, &via, fault) != SIP_PARSE_OK)
		return refuse_at(m, value, fault);
	return sip_host_is_one(via.host) ||
	       refuse(fault, 400,
	              "the next Via names no single host: a broadcast, group or unspecified address");
}

static bool all_pass(check *const *checks, size_t count, const struct sip_message *m, struct sip_fault *fault)
{
	for (size_t i = 0; i < count; i++)
		if (!checks[i](m, fault))
			return false;
	return true;
}

bool sip_validate_request(const struct sip_message *m, struct sip_fault *fault)
{
	static check *const checks[] = {
		has_transaction_id, has_sound_vias, has_sound_route,  has_sound_record_route,
		has_sound_contacts, has_typed_body, has_known_scheme, has_hops_left,
		needs_no_extension, has_plain_body, has_event,
	};

	return all_pass(checks, sizeof checks / sizeof *checks, m, fault);
}

bool sip_validate_response(const struct sip_message *m, struct sip_fault *fault)
{
	static check *const checks[] = {
		has_sound_vias,
		has_sound_record_route,
		has_sound_contacts,
		has_possible_next_hop,
	};

	return all_pass(checks, sizeof checks / sizeof *checks, m, fault);
}
