/*
 * cseq: the number that orders requests within a dialog, and their method.
 * RFC 3261 §20.16; the limit is §8.1.1.5.
 */
#include "daemon/sip/grammar.h"

enum { CSEQ_MAX = INT32_MAX }; /* "less than 2**31" */

enum sip_parse sip_cseq_parse(struct slice text, struct sip_cseq *out, struct sip_fault *fault)
{
	struct slice rest = text;
	uint64_t number;
	size_t digits = 0;

	*out = (struct sip_cseq){ 0 };
	while (digits < rest.len && sip_is_digit(rest.ptr[digits]))
		digits++;
	if (digits == 0)
		return sip_bad(fault, text, text.ptr, 400, "CSeq does not start with a number");
	if (!slice_to_number(slice_first(rest, digits), CSEQ_MAX, &number))
		return sip_bad(fault, text, text.ptr, 400, "a CSeq number of 2^31 or more");
	rest = slice_after(rest, digits);
	if (rest.len == 0 || !sip_is_blank(rest.ptr[0]))
		return sip_bad(fault, text, rest.ptr, 400, "CSeq has no blank between number and method");
	sip_skip_blanks(&rest);
	if (rest.len == 0 || sip_span(rest, SIP_CHAR_TOKEN) != rest.len)
		return sip_bad(fault, text, rest.ptr, 400, "the method in CSeq is not a token");
	*out = (struct sip_cseq){ (uint32_t)number, rest };
	return SIP_PARSE_OK;
}
