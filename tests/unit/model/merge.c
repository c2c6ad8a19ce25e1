/* Two changes of one base: what is taken, what is a conflict, and what taking one change back leaves. */
#include "shared/base/memory.h"
#include "shared/model/snapshot.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/model/lines.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { LINES_MAX = 4 };

static struct model_snapshot *made(const char *const lines[LINES_MAX])
{
	struct model_snapshot *snapshot = model_snapshot_new();

	for (size_t i = 0; i < LINES_MAX && lines[i]; i++)
		assert_int_equal(put(snapshot, lines[i]), RESULT_OK);
	return snapshot;
}

#define X  "allowed-domain x.example"
#define Y  "allowed-domain y.example"
#define BX "blocked-domain x.example"
#define ON "access-edge allow-federated-users=true"

static const struct {
	const char *name;
	const char *base[LINES_MAX], *mine[LINES_MAX], *theirs[LINES_MAX];
	const char *conflicts; /* "kind key field(mine/theirs present)", a blank between */
	const char *kept[LINES_MAX],
	        *preferred[LINES_MAX]; /* the answer when theirs, and when mine, is preferred */
} cases[] = {
	{ "nothing_changed", { X }, { X }, { X }, "", { X }, { X } },
	{ "only_mine", { X }, { X, Y }, { X }, "", { X, Y }, { X, Y } },
	{ "only_theirs", { X }, { X }, { X, Y }, "", { X, Y }, { X, Y } },
	{ "different_objects", { X }, { X, Y }, { X, ON }, "", { X, Y, ON }, { X, Y, ON } },
	{ "different_fields_of_one_object",
	  { X },
	  { X " comment=a" },
	  { X " proxy-port=5" },
	  "",
	  { X " comment=a proxy-port=5" },
	  { X " comment=a proxy-port=5" } },
	{ "the_same_field_to_the_same_value",
	  { X },
	  { X " comment=a" },
	  { X " comment=a" },
	  "",
	  { X " comment=a" },
	  { X " comment=a" } },
	{ "the_same_field_to_two_values",
	  { X },
	  { X " comment=a" },
	  { X " comment=b" },
	  "allowed-domain x.example comment;",
	  { X " comment=b" },
	  { X " comment=a" } },
	{ "one_field_meets_and_one_does_not",
	  { X },
	  { X " comment=a proxy-port=7" },
	  { X " comment=b" },
	  "allowed-domain x.example comment;",
	  { X " comment=b proxy-port=7" },
	  { X " comment=a proxy-port=7" } },
	{ "both_removed_it", { X }, { NULL }, { NULL }, "", { NULL }, { NULL } },
	{ "removed_and_untouched", { X, Y }, { Y }, { X, Y }, "", { Y }, { Y } },
	{ "removed_here_changed_there",
	  { X },
	  { NULL },
	  { X " comment=b" },
	  "allowed-domain x.example -;",
	  { X " comment=b" },
	  { NULL } },
	{ "changed_here_removed_there",
	  { X },
	  { X " comment=a proxy-port=7" },
	  { NULL },
	  "allowed-domain x.example -;",
	  { NULL },
	  { X " comment=a proxy-port=7" } },
	{ "both_added_the_same",
	  { NULL },
	  { X " comment=a" },
	  { X " comment=a" },
	  "",
	  { X " comment=a" },
	  { X " comment=a" } },
	{ "both_added_it_differently",
	  { NULL },
	  { X " comment=a" },
	  { X " comment=b" },
	  "allowed-domain x.example comment;",
	  { X " comment=b" },
	  { X " comment=a" } },
	{ "the_same_switch_both_ways_is_no_conflict_with_itself",
	  { NULL },
	  { ON },
	  { ON },
	  "",
	  { ON },
	  { ON } },
	{ "allowed_here_blocked_there_is_for_the_check", { NULL }, { X }, { BX }, "", { X, BX }, { X, BX } },
};

static void note(void *to, const struct model_conflict *c)
{
	struct buffer *words = to;

	buffer_printf(words, "%s %.*s %s;", c->kind->name, SLICE_ARG(c->key),
	              c->field < c->kind->field_count ? c->kind->fields[c->field].name : "-");
	assert_true(c->mine || c->theirs);
}

static void check(const char *name, struct model_snapshot *base, struct model_snapshot *mine,
                  struct model_snapshot *theirs, enum model_preference preference, const char *conflicts,
                  const char *const expected[LINES_MAX])
{
	struct model_snapshot *out = NULL, *wanted = made(expected);
	struct buffer words;
	size_t count = 99;

	buffer_start(&words, 4096);
	assert_int_equal(model_snapshot_merge(base, mine, theirs, preference, note, &words, &count, &out),
	                 RESULT_OK);
	buffer_add_char(&words, '\0');
	if (strcmp(buffer_slice(&words).ptr, conflicts) != 0)
		fail_msg("%s: conflicts %s", name, buffer_slice(&words).ptr);
	assert_int_equal(count > 0, conflicts[0] != '\0');
	if (!model_snapshot_equal(out, wanted))
		fail_msg("%s: another answer when %d is preferred", name, preference);
	buffer_stop(&words);
	model_snapshot_free(&out);
	model_snapshot_free(&wanted);
}

static void merges_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model_snapshot *base = made(cases[i].base), *mine = made(cases[i].mine),
		                      *theirs = made(cases[i].theirs), *before = model_snapshot_copy(theirs);

		check(cases[i].name, base, mine, theirs, MODEL_PREFER_THEIRS, cases[i].conflicts,
		      cases[i].kept);
		check(cases[i].name, base, mine, theirs, MODEL_PREFER_MINE, cases[i].conflicts,
		      cases[i].preferred);
		assert_true(model_snapshot_equal(theirs, before)); /* the sources are only read */
		model_snapshot_free(&base);
		model_snapshot_free(&mine);
		model_snapshot_free(&theirs);
		model_snapshot_free(&before);
	}
}

static void taking_back_every_change_gives_the_base(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model_snapshot *base = made(cases[i].base), *mine = made(cases[i].mine);

		for (size_t k = 0; k < MODEL_KIND_COUNT; k++) {
			const struct model_kind *kind = model_kind((enum model_kind_id)k);
			static const char *const keys[] = { "", "x.example", "y.example" };

			for (size_t j = 0; j < COUNT(keys); j++)
				model_snapshot_restore(mine, base, kind, slice_of(keys[j]),
				                       kind->field_count);
		}
		assert_true(model_snapshot_equal(base, mine));
		assert_int_equal(model_snapshot_restore(mine, base, model_kind(MODEL_BLOCKED_DOMAIN),
		                                        SLICE("nowhere.example"), 0),
		                 RESULT_NOT_FOUND);
		model_snapshot_free(&base);
		model_snapshot_free(&mine);
	}
}

static void each_allocation_of_a_merge_may_fail(void **state)
{
	(void)state;
#ifdef PARLEY_FAULTS
	const char *const lines[LINES_MAX] = { X }, *const more[LINES_MAX] = { X " comment=a", Y },
	                  *const other[LINES_MAX] = { X " proxy-port=7" };
	struct model_snapshot *base = made(lines), *mine = made(more), *theirs = made(other);

	for (unsigned long nth = 1;; nth++) {
		struct model_snapshot *out = NULL;
		size_t count;

		mem_fail_at(nth);
		enum result result = model_snapshot_merge(base, mine, theirs, MODEL_PREFER_MINE, NULL, NULL,
		                                          &count, &out);
		bool is_done = mem_count() < nth;

		mem_fail_at(0);
		assert_int_equal(result, is_done ? RESULT_OK : RESULT_NO_MEMORY);
		assert_int_equal(out != NULL, is_done);
		model_snapshot_free(&out);
		if (is_done)
			break;
		assert_true(nth < 1000);
	}
	model_snapshot_free(&base);
	model_snapshot_free(&mine);
	model_snapshot_free(&theirs);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_as_the_table_says),
		cmocka_unit_test(taking_back_every_change_gives_the_base),
		cmocka_unit_test(each_allocation_of_a_merge_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
