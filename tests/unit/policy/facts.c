/* Facts survive being written, read and packed: every row of facts.def, every word of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/policy/policy.h"
#include "shared/base/memory.h"

#include <cmocka.h>

/* Writes, reads and packs; the caller frees `*room`, which all of the result points into. */
static void around(const struct policy_facts *facts, size_t names_max, struct policy_facts *out, void **room)
{
	struct policy_facts_read read;
	struct json *object = NULL;
	struct buffer text;
	struct json_writer w = json_write(&text);

	buffer_start(&text, 64 * 1024);
	json_open_object(&w, NULL);
	policy_facts_write(facts, names_max, &w);
	json_close_object(&w);
	assert_int_equal(json_read(buffer_slice(&text), &object, NULL), RESULT_OK);
	policy_facts_read(object, &read);
	*out = read.facts;
	*room = mem_new(policy_facts_bytes(out) + 1);
	assert_non_null(*room);
	policy_facts_pack(out, *room);
	mem_wipe(&read, sizeof read); /* nothing of the result lies there, or in the text */
	json_free(&object);
	buffer_stop(&text);
}

static void every_row_comes_back_as_it_was(void **state)
{
	const struct slice names[] = { SLICE("a.x.example"), SLICE("b.x.example") };
	struct policy_facts facts, back;
	unsigned last = 0;
	void *room;

	(void)state;
	for (unsigned word = 0; word <= last; word++) {
		facts = (struct policy_facts){ .direction = 0 };
#define FACT_WORD(type, member, key, ...)                                                                    \
	{                                                                                                    \
		const char *const words[] = { __VA_ARGS__ };                                                 \
		const unsigned most = sizeof words / sizeof *words - 1;                                      \
                                                                                                             \
		facts.member = (type)(word < most ? word : most);                                            \
		last = last < most ? most : last;                                                            \
	}
#define FACT_FLAG(member, key)         facts.member = word % 2 == 0;
#define FACT_TEXT(member, key)         facts.member = SLICE("text of " #member);
#define FACT_NAMES(member, count, key) facts.member = names, facts.count = 1 + word % 2;
#include "daemon/policy/facts.def"
		facts.remote_domain = SLICE("x.example");
		around(&facts, POLICY_FACT_NAMES_MAX, &back, &room);
#define FACT_WORD(type, member, key, ...) assert_int_equal(back.member, facts.member);
#define FACT_FLAG(member, key)            assert_int_equal(back.member, facts.member);
#define FACT_TEXT(member, key)            assert_true(slice_equal(back.member, facts.member));
#define FACT_NAMES(member, count, key)                                                                       \
	assert_int_equal(back.count, facts.count);                                                           \
	for (size_t i = 0; i < facts.count; i++)                                                             \
		assert_true(slice_equal(back.member[i], names[i]));
#include "daemon/policy/facts.def"
		mem_free(room);
	}
	assert_int_equal(last, POLICY_ROUTE_PROVIDER); /* the longest list of words */
}

static void of_many_names_those_of_the_domain_are_kept(void **state)
{
	struct slice names[POLICY_FACT_NAMES_MAX + 4];
	struct policy_facts facts = { .remote_domain = SLICE("x.example"),
		                      .certificate_dns = names,
		                      .certificate_dns_count = sizeof names / sizeof *names };
	struct policy_facts back;
	void *room;

	(void)state;
	for (size_t i = 0; i < facts.certificate_dns_count; i++)
		names[i] = SLICE("other.example");
	names[facts.certificate_dns_count - 1] = SLICE("sip.x.example");
	around(&facts, 4, &back, &room);
	assert_int_equal(back.certificate_dns_count, 4);
	assert_true(slice_equal(back.certificate_dns[0], SLICE("sip.x.example")));
	mem_free(room);
	around(&facts, 100, &back, &room);
	assert_int_equal(back.certificate_dns_count, POLICY_FACT_NAMES_MAX);
	mem_free(room);
}

static const char *const odd[] = {
	"{}",
	"[]",
	"7",
	"{\"direction\":7,\"protocol\":\"smoke\",\"solicited\":\"yes\",\"method\":[],\"targets\":\"x\"}",
	"{\"direction\":null,\"route\":99,\"dns\":[1,{},null],\"connected\":1}",
};

static void what_is_no_fact_is_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct policy_facts_read read;
		struct json *object = NULL;

		assert_int_equal(json_read(slice_of(odd[i]), &object, NULL), RESULT_OK);
		policy_facts_read(object, &read);
		assert_int_equal(read.facts.direction, POLICY_INWARD);
		assert_int_equal(read.facts.protocol, POLICY_SIP);
		assert_int_equal(read.facts.srv_route, POLICY_ROUTE_NONE);
		assert_false(read.facts.is_solicited || read.facts.is_connected);
		assert_int_equal(read.facts.method.len, 0);
		for (size_t n = 0; n < read.facts.certificate_dns_count; n++)
			assert_int_equal(read.facts.certificate_dns[n].len, 0);
		assert_int_equal(read.facts.srv_target_count, 0);
		json_free(&object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_comes_back_as_it_was),
		cmocka_unit_test(of_many_names_those_of_the_domain_are_kept),
		cmocka_unit_test(what_is_no_fact_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
