/* The 18 combinations of TLS, SASL and dialback: what authenticates a stream, and what may be published. */
#include "shared/model/model.h"
#include "shared/model/xmpp_security.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define R        XMPP_NEGOTIATION_REQUIRED
#define O        XMPP_NEGOTIATION_OPTIONAL
#define N        XMPP_NEGOTIATION_NOT_SUPPORTED
#define GOOD     XMPP_SECURITY_GOOD
#define DOUBTFUL XMPP_SECURITY_DOUBTFUL
#define INVALID  XMPP_SECURITY_INVALID

/* ways: s SASL over TLS, t dialback over TLS, c dialback in the clear */
static const struct {
	enum xmpp_negotiation tls, sasl;
	bool has_dialback;
	const char *ways;
	enum xmpp_security_verdict verdict;
} combinations[] = {
	{ R, R, true, "s", DOUBTFUL },   { R, R, false, "s", GOOD },     { R, O, true, "st", GOOD },
	{ R, O, false, "s", GOOD },      { R, N, true, "t", GOOD },      { R, N, false, "", INVALID },
	{ O, R, true, "stc", DOUBTFUL }, { O, R, false, "s", DOUBTFUL }, { O, O, true, "stc", DOUBTFUL },
	{ O, O, false, "s", DOUBTFUL },  { O, N, true, "tc", GOOD },     { O, N, false, "", INVALID },
	{ N, R, true, "c", DOUBTFUL },   { N, R, false, "", INVALID },   { N, O, true, "c", DOUBTFUL },
	{ N, O, false, "", INVALID },    { N, N, true, "c", GOOD },      { N, N, false, "", INVALID },
};

static void every_combination_has_its_verdict(void **state)
{
	(void)state;
	assert_int_equal(COUNT(combinations), 18);
	for (size_t i = 0; i < COUNT(combinations); i++) {
		const struct xmpp_security *found = xmpp_security(combinations[i].tls, combinations[i].sasl,
		                                                  combinations[i].has_dialback);
		char ways[4];

		snprintf(ways, sizeof ways, "%s%s%s", found->has_sasl ? "s" : "",
		         found->has_tls_dialback ? "t" : "", found->has_tcp_dialback ? "c" : "");
		print_message("  tls %d sasl %d dialback %d\n", (int)combinations[i].tls,
		              (int)combinations[i].sasl, combinations[i].has_dialback);
		assert_string_equal(ways, combinations[i].ways);
		assert_int_equal(found->verdict, combinations[i].verdict);
		assert_int_equal(found->why[0] == '\0', found->verdict == GOOD);
		assert_int_equal(found->cure[0] == '\0', found->verdict == GOOD);
		assert_true(found->words[0]);
	}
}

/* Whatever the row is called, nothing authenticates where it is invalid, and something does everywhere else. */
static void invalid_is_what_nothing_authenticates(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 18; i++) {
		const struct xmpp_security *found = xmpp_security(i / 6, i / 2 % 3, i % 2);
		bool has_any = found->has_sasl || found->has_tls_dialback || found->has_tcp_dialback;

		assert_int_equal(has_any, found->verdict != INVALID);
		if (i / 6 == R)
			assert_false(found->has_tcp_dialback);
		if (i / 6 == N)
			assert_false(found->has_sasl || found->has_tls_dialback);
		if (i % 2 == 0)
			assert_false(found->has_tls_dialback || found->has_tcp_dialback);
	}
}

static void choices_stand_in_the_order_of_the_rows(void **state)
{
	static const char *const names[] = { [R] = "required", [O] = "optional", [N] = "not-supported" };
	const struct model_field *fields = model_kind(MODEL_XMPP_PARTNER)->fields;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_true(slice_equal(model_choice(&fields[MODEL_FIELD(xmpp_partner, tls_negotiation)], i),
		                        slice_of(names[i])));
		assert_true(slice_equal(model_choice(&fields[MODEL_FIELD(xmpp_partner, sasl_negotiation)], i),
		                        slice_of(names[i])));
	}
	assert_ptr_equal(xmpp_security(99, UINT64_MAX, true), xmpp_security(N, N, true));
}

static void a_new_partner_is_good_without_a_warning(void **state)
{
	struct arena arena;
	const struct model_object *partner;

	(void)state;
	arena_start(&arena, 65536);
	partner = model_object_new(&arena, model_kind(MODEL_XMPP_PARTNER));
	assert_non_null(partner);
	assert_int_equal(
	        xmpp_security(partner->values[MODEL_FIELD(xmpp_partner, tls_negotiation)].number,
	                      partner->values[MODEL_FIELD(xmpp_partner, sasl_negotiation)].number,
	                      partner->values[MODEL_FIELD(xmpp_partner, support_dialback_negotiation)].flag)
	                ->verdict,
	        GOOD);
	arena_stop(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_has_its_verdict),
		cmocka_unit_test(invalid_is_what_nothing_authenticates),
		cmocka_unit_test(choices_stand_in_the_order_of_the_rows),
		cmocka_unit_test(a_new_partner_is_good_without_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
