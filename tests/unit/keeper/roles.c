#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/keeper/roles.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

enum { OWN = 990, ADMIN_GROUP = 50 };

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid, group;
	bool has_admin_group;
	enum control_role role;
} role_rows[] = {
	{ "root_is_administrator", 0, 0, 0, true, CONTROL_ROLE_ADMINISTRATOR },
	{ "the_daemons_own_user_is_administrator", OWN, OWN, 0, true, CONTROL_ROLE_ADMINISTRATOR },
	{ "a_member_of_the_admin_group_is_administrator", 1000, 1000, ADMIN_GROUP, true,
	  CONTROL_ROLE_ADMINISTRATOR },
	{ "so_is_one_whose_first_group_it_is", 1000, ADMIN_GROUP, 1, true, CONTROL_ROLE_ADMINISTRATOR },
	{ "another_user_may_look", 1000, 1000, 1, true, CONTROL_ROLE_VIEWER },
	{ "without_that_group_its_number_means_nothing", 1000, ADMIN_GROUP, ADMIN_GROUP, false,
	  CONTROL_ROLE_VIEWER },
};

static void gives_each_user_its_role(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof role_rows / sizeof *role_rows; i++) {
		const struct role_facts facts = { .uid = role_rows[i].uid,
			                          .gid = role_rows[i].gid,
			                          .groups = &role_rows[i].group,
			                          .group_count = 1,
			                          .own_uid = OWN,
			                          .admin_gid = ADMIN_GROUP,
			                          .has_admin_group = role_rows[i].has_admin_group };

		if (role_of(&facts) != role_rows[i].role)
			fail_msg("%s", role_rows[i].name);
	}
}

#define GREETED .has_greeted = true
#define ADMIN   .role = CONTROL_ROLE_ADMINISTRATOR

static const struct {
	const char *name, *method, *params, *extras;
	struct admission how;
	enum control_code code;
} rows[] = {
	{ "greets_first", "hello", "{\"protocol\":1}", "protocol client mode", { ADMIN }, CONTROL_OK },
	{ "refuses_everything_before_hello", "status", "{}", "", { ADMIN }, CONTROL_USAGE },
	{ "lets_a_viewer_look", "status", "{}", "", { GREETED, .role = CONTROL_ROLE_VIEWER }, CONTROL_OK },
	{ "takes_no_params_at_all", "status", NULL, "", { GREETED, ADMIN }, CONTROL_OK },
	{ "refuses_a_viewers_change",
	  "domain.block",
	  "{\"domain\":\"x.example\"}",
	  "",
	  { GREETED, .role = CONTROL_ROLE_VIEWER },
	  CONTROL_DENIED },
	{ "refuses_a_viewers_import",
	  "config.import",
	  "{}",
	  "",
	  { GREETED, .role = CONTROL_ROLE_POLICY },
	  CONTROL_DENIED },
	{ "lets_policy_change",
	  "domain.block",
	  "{\"domain\":\"x.example\"}",
	  "",
	  { GREETED, .role = CONTROL_ROLE_POLICY },
	  CONTROL_OK },
	{ "refuses_changes_of_a_session_for_reading",
	  "domain.block",
	  "{\"domain\":\"x.example\"}",
	  "",
	  { GREETED, ADMIN, .is_read_only = true },
	  CONTROL_DENIED },
	{ "lets_a_session_for_reading_read",
	  "domain.list",
	  "{}",
	  "",
	  { GREETED, ADMIN, .is_read_only = true },
	  CONTROL_OK },
	{ "needs_what_the_row_needs", "domain.show", "{}", "", { GREETED, ADMIN }, CONTROL_USAGE },
	{ "needs_it_as_text", "domain.show", "{\"domain\":7}", "", { GREETED, ADMIN }, CONTROL_USAGE },
	{ "needs_it_not_empty", "domain.show", "{\"domain\":\"\"}", "", { GREETED, ADMIN }, CONTROL_USAGE },
	{ "takes_optional_ones",
	  "domain.list",
	  "{\"filter\":\"x\",\"limit\":3}",
	  "",
	  { GREETED, ADMIN },
	  CONTROL_OK },
	{ "refuses_unknown_ones", "domain.list", "{\"filer\":\"x\"}", "", { GREETED, ADMIN }, CONTROL_USAGE },
	{ "takes_fields_and_guards_of_a_change",
	  "domain.allow",
	  "{\"domain\":\"x.example\",\"set\":{},\"if_version\":3,\"comment\":\"c\"}",
	  "",
	  { GREETED, ADMIN },
	  CONTROL_OK },
	{ "refuses_a_misspelt_guard",
	  "domain.allow",
	  "{\"domain\":\"x.example\",\"if_verison\":3}",
	  "",
	  { GREETED, ADMIN },
	  CONTROL_USAGE },
	{ "refuses_a_guard_where_nothing_changes",
	  "status",
	  "{\"if_version\":3}",
	  "",
	  { GREETED, ADMIN },
	  CONTROL_USAGE },
	{ "takes_the_verbs_extras",
	  "model.kinds",
	  "{\"kind\":\"edge\"}",
	  "kind",
	  { GREETED, ADMIN },
	  CONTROL_OK },
	{ "refuses_an_unknown_verb", "domain.paint", "{}", "", { GREETED, ADMIN }, CONTROL_UNKNOWN_VERB },
};

static void admits_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum control_verb_id id = control_verb_named(slice_of(rows[i].method));
		struct admission how = rows[i].how;
		struct reason reason = { "" };
		struct json *params = NULL;
		enum control_code code;

		how.extras = rows[i].extras;
		if (rows[i].params)
			assert_int_equal(json_read(slice_of(rows[i].params), &params, NULL), RESULT_OK);
		code = role_admit(&how, control_verb(id), params, &reason);
		if (code != rows[i].code)
			fail_msg("%s: %s %s", rows[i].name, control_code_name(code), reason.text);
		assert_true((code == CONTROL_OK) == (reason.text[0] == '\0'));
		json_free(&params);
	}
}

/* Every verb that changes needs more than looking; none that only reads can be kept from an administrator. */
static void no_change_is_open_to_a_viewer(void **state)
{
	(void)state;
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *verb = control_verb((enum control_verb_id)i);

		if (!control_effect_is_reading(verb->effect))
			assert_true(verb->role > CONTROL_ROLE_VIEWER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_each_user_its_role),
		cmocka_unit_test(admits_as_the_table_says),
		cmocka_unit_test(no_change_is_open_to_a_viewer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
