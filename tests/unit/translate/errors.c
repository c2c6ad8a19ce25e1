/* errors: every row of both tables. */
#include "tests/unit/translate/table.h"
#include "tests/unit/sip/sample.h" /* behind result.h: both have a fail() */

static enum xmpp_error_type type_of(struct slice name, enum xmpp_condition condition)
{
	for (int i = XMPP_ERROR_CANCEL; i <= XMPP_ERROR_CONTINUE; i++)
		if (slice_equal(name, xmpp_error_type_name((enum xmpp_error_type)i)))
			return (enum xmpp_error_type)i;
	return xmpp_condition_type(condition);
}

static void check_to_sip(struct table *t)
{
	struct slice rest = t->columns[1], name, type = SLICE("");
	struct xmpp_stanza_error error = { 0 };
	struct slice method = t->columns[4].len ? t->columns[4] : SLICE("MESSAGE");

	assert_true(slice_next(&rest, ' ', &name));
	(void)slice_next(&rest, ' ', &type);
	error.condition = xmpp_condition_of(name);
	error.type = type_of(type, error.condition);
	error.address = rest;
	for (size_t i = 0; i < 2; i++) {
		struct translate_status status;
		char got[128];

		translate_error_to_sip(&error, i == 1, sip_method_of(method), &t->arena, &status);
		snprintf(got, sizeof got, "%d%s%.*s", status.status, status.contact.len ? " " : "",
		         SLICE_ARG(status.contact));
		table_expect(t, slice_of(got), t->columns[2 + i]);
	}
}

static void check_to_xmpp(struct table *t)
{
	struct slice rest = t->columns[1], line, headers = SLICE("");
	size_t slash = slice_find(rest, '/');
	struct xmpp_stanza_error error;
	struct parsed p;
	char text[1024];
	uint64_t status;

	if (slash < rest.len)
		headers = slice_trim(slice_after(rest, slash + 1));
	line = slice_trim(slice_first(rest, slash));
	snprintf(text, sizeof text,
	         "SIP/2.0 %.*s%s\r\n" SAMPLE_TOP "CSeq: 1 MESSAGE\r\n%.*s%sContent-Length: 0\r\n\r\n",
	         SLICE_ARG(line), slice_find(line, ' ') == line.len ? " " : "", SLICE_ARG(headers),
	         headers.len ? "\r\n" : "");
	assert_true(slice_to_number(slice_first(line, 3), 999, &status));
	parsed_start(&p, slice_of(text));
	if (p.answer != SIP_PARSE_OK) /* 700, and bytes that are no UTF-8: a verdict without the response */
		p.message.phrase = slice_trim(slice_after(line, 3));
	switch (translate_error_to_xmpp((int)status, &p.message, &t->arena, &error)) {
	case TRANSLATE_NOTHING: table_expect(t, SLICE("-"), t->columns[2]); break;
	case TRANSLATE_OK:
		table_expect(t, xmpp_condition_name(error.condition), t->columns[2]);
		table_expect(t, xmpp_error_type_name(error.type), t->columns[3]);
		if (t->columns[4].len)
			table_expect(t, error.address.len ? error.address : error.text, t->columns[4]);
		break;
	default: fail();
	}
	parsed_stop(&p);
}

static void maps_each_row(void **state)
{
	struct table *t = malloc(sizeof *t);

	(void)state;
	table_start(t, "tests/tables/translate-errors.txt");
	while (table_next(t, 5)) {
		if (slice_equal(t->columns[0], SLICE("xmpp")))
			check_to_sip(t);
		else
			check_to_xmpp(t);
	}
	table_stop(t, 85);
	free(t);
}

/* 503 would mark the whole gateway dead, 408 comes too late for anything but an INVITE (RFC 4320), 401 needs a challenge. */
static void never_answers_what_would_mislead(void **state)
{
	struct arena arena;

	(void)state;
	arena_start(&arena, TRANSLATE_ARENA_MAX);
	for (int condition = 0; condition < XMPP_CONDITION_COUNT; condition++)
		for (int type = XMPP_ERROR_CANCEL; type <= XMPP_ERROR_CONTINUE; type++)
			for (int method = 0; method < SIP_METHOD_COUNT; method++)
				for (int bare = 0; bare < 2; bare++) {
					struct xmpp_stanza_error error = {
						.condition = (enum xmpp_condition)condition,
						.type = (enum xmpp_error_type)type
					};
					struct translate_status status;

					arena_reset(&arena);
					translate_error_to_sip(&error, bare, (enum sip_method)method, &arena,
					                       &status);
					assert_in_range(status.status, 300, 699);
					assert_int_not_equal(status.status, 503);
					assert_int_not_equal(status.status, 401);
					assert_int_not_equal(status.status, 407);
					assert_false(status.status == 408 && method != SIP_INVITE);
					assert_false(status.status >= 600 && !bare);
				}
	arena_stop(&arena);
}

static void a_phrase_is_one_clean_line(void **state)
{
	struct xmpp_stanza_error error = { .condition = XMPP_FORBIDDEN };
	struct translate_status status;
	struct arena arena;
	char text[600];

	(void)state;
	arena_start(&arena, TRANSLATE_ARENA_MAX);
	error.text = SLICE("no\r\nEvil: 1");
	translate_error_to_sip(&error, false, SIP_MESSAGE, &arena, &status);
	assert_true(slice_equal(status.phrase, SLICE("no Evil: 1")));
	for (size_t i = 0; i < sizeof text; i += 3)
		memcpy(text + i, "\xE4\xB8\xAD", 3);
	error.text = (struct slice){ text, sizeof text };
	translate_error_to_sip(&error, false, SIP_MESSAGE, &arena, &status);
	assert_int_equal(status.phrase.len, 255); /* 85 characters of three bytes, none cut */
	assert_true(xmpp_text_is_writable(status.phrase));
	arena_stop(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_each_row),
		cmocka_unit_test(never_answers_what_would_mislead),
		cmocka_unit_test(a_phrase_is_one_clean_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
