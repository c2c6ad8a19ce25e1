/*
 * sip_uri: URIs, addresses, Via and CSeq values; every piece lies within what
 * was given, and what was read can be put together to the same again.
 */
#include <stdlib.h>

#include "daemon/sip/sip.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_within(struct slice piece, struct slice whole)
{
	check(piece.len == 0 || (piece.ptr >= whole.ptr && piece.ptr + piece.len <= whole.ptr + whole.len));
}

static void check_uri(const struct sip_uri *uri, struct slice whole)
{
	check_within(uri->all, whole);
	check_within(uri->user, uri->all);
	check_within(uri->host, uri->all);
	check_within(uri->params, uri->all);
	check_within(uri->headers, uri->all);
	check(!(uri->is_ipv4 && uri->is_ipv6));
	if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS)
		return;
	check(uri->host.len > 0);

	/* Put together from its pieces, it means the same: no second reading of who and where. */
	struct buffer text;
	struct sip_uri again;

	buffer_start(&text, 4096);
	buffer_add(&text, SLICE("sip:"));
	if (uri->has_user) {
		buffer_add(&text, uri->user);
		buffer_add_char(&text, '@');
	}
	buffer_add(&text, uri->is_ipv6 ? SLICE("[") : SLICE(""));
	buffer_add(&text, uri->host);
	buffer_add(&text, uri->is_ipv6 ? SLICE("]") : SLICE(""));
	if (uri->port)
		buffer_printf(&text, ":%u", uri->port);
	check(sip_uri_parse(buffer_slice(&text), &again, NULL) == SIP_PARSE_OK);
	check(slice_equal(uri->user, again.user) && slice_equal(uri->host, again.host) &&
	      uri->port == again.port);
	buffer_stop(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct sip_fault fault = { 0 };
	struct sip_uri uri;
	struct sip_address address;
	struct sip_via via;
	struct sip_cseq cseq;
	struct slice value;

	if (sip_uri_parse(text, &uri, &fault) == SIP_PARSE_OK)
		check_uri(&uri, text);
	else
		check(fault.why && fault.offset <= size);
	if (sip_address_parse(text, &address, &fault) == SIP_PARSE_OK) {
		check_uri(&address.uri, text);
		check_within(address.display, text);
		check_within(address.params, text);
		check_within(address.tag, text);
		/* The quick look-up and the full reading agree. */
		check(sip_param(address.params, SLICE("tag"), &value) == (address.tag.ptr != NULL));
		if (address.tag.ptr)
			check(slice_equal(value, address.tag));
	} else {
		check(fault.why && fault.offset <= size);
	}
	if (sip_via_parse(text, &via, &fault) == SIP_PARSE_OK) {
		check(via.host.len > 0 && via.transport.len > 0);
		check_within(via.host, text);
		check(sip_param(via.params, SLICE("branch"), &value) == (via.branch.ptr != NULL));
	} else {
		check(fault.why && fault.offset <= size);
	}
	if (sip_cseq_parse(text, &cseq, &fault) == SIP_PARSE_OK)
		check(cseq.number < UINT32_C(1) << 31 && cseq.method.len > 0);
	(void)sip_param(text, SLICE("x"), &value);
	if (sip_auth_param(text, SLICE("username"), &value))
		check(value.ptr >= text.ptr && value.len <= text.len);
	return 0;
}
