#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/keeper/roles.h"

#include <cmocka.h> /* last: its fail() would rewrite ours */

enum { OWN = 990, ADMIN_GROUP = 50, SOCKET_GROUP = 60, ALICE = 1000, OPS = 70, DUTY = 71 };

#define R(role)        ((control_roles)1 << CONTROL_ROLE_##role)
#define VIEWER_ALONE   R(VIEWER)
#define OPERATOR_WHOLE (R(OPERATOR) | R(HELPDESK) | R(VIEWER))
#define EVERYTHING     (((control_roles)1 << CONTROL_ROLE_COUNT) - 1)

/* Rows of role-grant, as they are looked up on this machine. */
static const struct role_grant grants[] = {
	{ false, ALICE, R(VIEWER) },
	{ true, OPS, OPERATOR_WHOLE },
	{ true, DUTY, R(VIEWER) | R(EDITOR) },
	{ false, 1003, EVERYTHING },
};

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid, groups[2];
	bool has_admin_group;
	control_roles roles;
} role_rows[] = {
	{ "root_is_administrator", 0, 0, { 0, 0 }, true, EVERYTHING },
	{ "the_daemons_own_user_is_administrator", OWN, OWN, { 1, 1 }, true, EVERYTHING },
	{ "a_member_of_the_admin_group_is_administrator", 2000, 2000, { 1, ADMIN_GROUP }, true, EVERYTHING },
	{ "so_is_one_whose_first_group_it_is", 2000, ADMIN_GROUP, { 1, 1 }, true, EVERYTHING },
	{ "no_row_takes_that_away", ALICE, ALICE, { 1, ADMIN_GROUP }, true, EVERYTHING },
	{ "a_stranger_has_no_role", 2000, 2000, { 1, 2 }, true, 0 },
	{ "without_that_group_its_number_means_nothing", 2000, ADMIN_GROUP, { ADMIN_GROUP, 1 }, false, 0 },
	{ "a_member_of_the_sockets_group_may_look", 2000, 2000, { SOCKET_GROUP, 1 }, false, VIEWER_ALONE },
	{ "a_user_has_what_his_row_says", ALICE, ALICE, { 1, 1 }, true, VIEWER_ALONE },
	{ "a_group_gives_its_members_its_roles", 2000, 2000, { 1, OPS }, true, OPERATOR_WHOLE },
	{ "also_when_it_is_their_first", 2000, OPS, { 1, 1 }, true, OPERATOR_WHOLE },
	{ "rows_add_up", ALICE, ALICE, { OPS, DUTY }, true, OPERATOR_WHOLE | R(EDITOR) },
	{ "a_groups_number_is_no_users", OPS, 2000, { 1, 1 }, true, 0 },
	{ "an_administrator_by_row", 1003, 2000, { 1, 1 }, true, EVERYTHING },
};

static void gives_each_user_its_roles(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof role_rows / sizeof *role_rows; i++) {
		const struct role_facts facts = { .uid = role_rows[i].uid,
			                          .gid = role_rows[i].gid,
			                          .groups = role_rows[i].groups,
			                          .group_count = 2,
			                          .own_uid = OWN,
			                          .admin_gid = ADMIN_GROUP,
			                          .socket_gid = SOCKET_GROUP,
			                          .has_admin_group = role_rows[i].has_admin_group,
			                          .grants = grants,
			                          .grant_count = sizeof grants / sizeof *grants };

		if (roles_of(&facts) != role_rows[i].roles)
			fail_msg("%s: %x", role_rows[i].name, roles_of(&facts));
	}
}

/* Who includes whom: rows are what somebody has, columns (in the order of the letters) what a verb asks for. */
static const struct {
	enum control_role role;
	const char *may; /* one letter a role of `asked` */
} inclusion[] = {
	/*                               VHUOEPCTA */
	{ CONTROL_ROLE_VIEWER, "V--------" },        { CONTROL_ROLE_HELPDESK, "VH-------" },
	{ CONTROL_ROLE_USERS, "VHU------" },         { CONTROL_ROLE_OPERATOR, "VH-O-----" },
	{ CONTROL_ROLE_EDITOR, "V---E----" },        { CONTROL_ROLE_POLICY, "VH--EP---" },
	{ CONTROL_ROLE_CERTIFICATES, "V-----C--" },  { CONTROL_ROLE_TRACE_BODIES, "V------T-" },
	{ CONTROL_ROLE_ADMINISTRATOR, "VHUOEPCTA" },
};
static const enum control_role asked[] = {
	CONTROL_ROLE_VIEWER,       CONTROL_ROLE_HELPDESK,     CONTROL_ROLE_USERS,
	CONTROL_ROLE_OPERATOR,     CONTROL_ROLE_EDITOR,       CONTROL_ROLE_POLICY,
	CONTROL_ROLE_CERTIFICATES, CONTROL_ROLE_TRACE_BODIES, CONTROL_ROLE_ADMINISTRATOR,
};

static bool may(size_t has, enum control_role needed)
{
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		if (asked[i] == needed)
			return inclusion[has].may[i] != '-';
	fail_msg("%s is not in the table", control_role_name(needed));
	return false;
}

static bool is_denied(control_roles roles, const struct control_verb *verb, bool is_read_only)
{
	const struct admission how = {
		.roles = roles, .has_greeted = true, .is_read_only = is_read_only, .extras = ""
	};
	struct reason reason = { "" };

	return role_admit(&how, verb, NULL, &reason) == CONTROL_DENIED;
}

static void admits_every_verb_for_exactly_the_roles_of_the_table(void **state)
{
	(void)state;
	assert_int_equal(sizeof inclusion / sizeof *inclusion, CONTROL_ROLE_COUNT);
	for (int i = 0; i < CONTROL_VERB_COUNT; i++) {
		const struct control_verb *verb = control_verb((enum control_verb_id)i);

		assert_true(is_denied(0, verb, false));
		for (size_t has = 0; has < CONTROL_ROLE_COUNT; has++) {
			control_roles roles = control_roles_of(inclusion[has].role);

			if (is_denied(roles, verb, false) == may(has, verb->role))
				fail_msg("%s %s for %s", verb->noun, verb->verb,
				         control_role_name(inclusion[has].role));
			if (!control_effect_is_reading(verb->effect))
				assert_true(is_denied(roles, verb, true));
		}
	}
}

static void names_sets_by_their_greatest(void **state)
{
	char text[CONTROL_ROLES_TEXT_BYTES];

	(void)state;
	assert_string_equal(control_roles_text(EVERYTHING, text), "administrator");
	assert_string_equal(control_roles_text(OPERATOR_WHOLE | R(EDITOR), text), "operator editor");
	assert_string_equal(control_roles_text(0, text), "none");
	assert_int_equal(control_role_named(SLICE("king")), CONTROL_ROLE_COUNT);
}

/* The model's choices and the rows of roles are one list. */
static void a_grant_can_name_every_role_and_no_other(void **state)
{
	const struct model_kind *kind = model_kind(MODEL_ROLE_GRANT);
	const struct model_field *field = &kind->fields[MODEL_FIELD(role_grant, roles)];
	size_t count = 0;

	(void)state;
	for (; model_choice(field, count).ptr; count++)
		assert_int_not_equal(control_role_named(model_choice(field, count)), CONTROL_ROLE_COUNT);
	assert_int_equal(count, CONTROL_ROLE_COUNT);
	assert_int_equal(field->max, CONTROL_ROLE_COUNT);
}

static void put(struct model_snapshot *snapshot, enum model_kind_id id, const char *key)
{
	struct model_object *object = model_object_new(&snapshot->arena, model_kind(id));

	assert_non_null(object);
	object->values[object->kind->key].text = slice_of(key);
	assert_int_equal(model_snapshot_add(snapshot, object), RESULT_OK);
}

static const struct {
	const char *name;
	enum model_kind_id kind;
	const char *key;
	enum control_role has;
	bool is_permitted;
} change_rows[] = {
	{ "user_administrators_make_no_policies", MODEL_ACCESS_POLICY, "Sales", CONTROL_ROLE_USERS, false },
	{ "sites_are_the_administrators", MODEL_SITE, "Oslo", CONTROL_ROLE_POLICY, false },
	{ "policy_changes_domains", MODEL_BLOCKED_DOMAIN, "x.example", CONTROL_ROLE_POLICY, true },
	{ "an_editor_publishes_nothing", MODEL_BLOCKED_DOMAIN, "x.example", CONTROL_ROLE_EDITOR, false },
	{ "an_operator_neither", MODEL_ALLOWED_DOMAIN, "x.example", CONTROL_ROLE_OPERATOR, false },
	{ "policy_gives_nobody_roles", MODEL_ROLE_GRANT, "alice", CONTROL_ROLE_POLICY, false },
	{ "policy_moves_no_servers", MODEL_POOL_MEMBER, "fe.contoso.example", CONTROL_ROLE_POLICY, false },
	{ "administrators_do", MODEL_ROLE_GRANT, "alice", CONTROL_ROLE_ADMINISTRATOR, true },
};

static const struct {
	const char *name, *field,
	        *value; /* of the user alice, from what is "" otherwise; NULL: only listed */
	bool is_new;
	enum control_role has;
	bool is_permitted;
} user_rows[] = {
	{ "help_desk_grants", "policy", "Sales", false, CONTROL_ROLE_HELPDESK, true },
	{ "help_desk_grants_to_the_unlisted", "policy", "Sales", true, CONTROL_ROLE_HELPDESK, true },
	{ "help_desk_moves_nobody", "site", "Oslo", false, CONTROL_ROLE_HELPDESK, false },
	{ "help_desk_lists_nobody", NULL, NULL, true, CONTROL_ROLE_HELPDESK, false },
	{ "user_administrator_grants", "policy", "Sales", false, CONTROL_ROLE_USERS, true },
	{ "user_administrator_moves", "site", "Oslo", false, CONTROL_ROLE_USERS, true },
	{ "user_administrator_lists", NULL, NULL, true, CONTROL_ROLE_USERS, true },
	{ "policy_grants", "policy", "Sales", false, CONTROL_ROLE_POLICY, true },
	{ "policy_moves_nobody", "site", "Oslo", false, CONTROL_ROLE_POLICY, false },
	{ "viewer_grants_nothing", "policy", "Sales", false, CONTROL_ROLE_VIEWER, false },
};

static void asks_for_the_role_of_a_field_that_has_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof user_rows / sizeof *user_rows; i++) {
		struct model_snapshot *before = model_snapshot_new(), *after = model_snapshot_new();
		enum result expected = user_rows[i].is_permitted ? RESULT_OK : RESULT_DENIED;
		struct reason reason = { "" };
		struct model_object *user;

		if (!user_rows[i].is_new)
			put(before, MODEL_USER, "alice@contoso.example");
		put(after, MODEL_USER, "alice@contoso.example");
		user = model_snapshot_find(after, MODEL_USER, SLICE("alice@contoso.example"));
		if (user_rows[i].field)
			user->values[model_field_named(user->kind, slice_of(user_rows[i].field))]
			        .text = slice_of(user_rows[i].value);
		if (roles_permit_changes(control_roles_of(user_rows[i].has), before, after, &reason) !=
		    expected)
			fail_msg("%s: %s", user_rows[i].name, reason.text);
		model_snapshot_free(&before);
		model_snapshot_free(&after);
	}
}

static void asks_for_the_role_of_every_kind_that_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof change_rows / sizeof *change_rows; i++) {
		struct model_snapshot *before = model_snapshot_new(), *after = model_snapshot_new();
		struct reason reason = { "" };
		enum result expected = change_rows[i].is_permitted ? RESULT_OK : RESULT_DENIED;
		control_roles roles = control_roles_of(change_rows[i].has);

		put(after, change_rows[i].kind, change_rows[i].key);
		if (roles_permit_changes(roles, before, after, &reason) != expected ||
		    roles_permit_changes(roles, after, before, &reason) != expected)
			fail_msg("%s: %s", change_rows[i].name, reason.text);
		assert_int_equal(roles_permit_changes(roles, after, after, &reason), RESULT_OK);
		model_snapshot_free(&before);
		model_snapshot_free(&after);
	}
}

#define GREETED .has_greeted = true
#define ADMIN   .roles = EVERYTHING

static const struct {
	const char *name, *method, *params, *extras;
	struct admission how;
	enum control_code code;
} rows[] = {
	{ "greets_first", "hello", "{\"protocol\":1}", "protocol client mode", { ADMIN }, CONTROL_OK },
	{ "refuses_everything_before_hello", "status", "{}", "", { ADMIN }, CONTROL_USAGE },
	{ "lets_a_viewer_look", "status", "{}", "", { GREETED, .roles = VIEWER_ALONE }, CONTROL_OK },
	{ "takes_no_params_at_all", "status", NULL, "", { GREETED, ADMIN }, CONTROL_OK },
	{ "refuses_a_viewers_change",
	  "domain.block",
	  "{\"domain\":\"x.example\"}",
	  "",
	  { GREETED, .roles = VIEWER_ALONE },
	  CONTROL_DENIED },
	{ "refuses_a_viewers_import",
	  "config.import",
	  "{}",
	  "",
	  { GREETED, .roles = R(POLICY) | R(EDITOR) | R(VIEWER) },
	  CONTROL_DENIED },
	{ "lets_policy_change",
	  "domain.block",
	  "{\"domain\":\"x.example\"}",
	  "",
	  { GREETED, .roles = R(POLICY) | R(EDITOR) | R(VIEWER) },
	  CONTROL_OK },
	{ "refuses_changes_of_a_session_for_reading",
	  "domain.block",
	  "{\"domain\":\"x.example\"}",
	  "",
	  { GREETED, ADMIN, .is_read_only = true },
	  CONTROL_DENIED },
	{ "lets_a_session_for_reading_try",
	  "domain.block",
	  "{\"domain\":\"x.example\",\"dry_run\":true}",
	  "",
	  { GREETED, ADMIN, .is_read_only = true },
	  CONTROL_OK },
	{ "lets_a_viewer_try",
	  "access-edge.set",
	  "{\"set\":{},\"dry_run\":true}",
	  "",
	  { GREETED, .roles = VIEWER_ALONE },
	  CONTROL_OK },
	{ "refuses_a_viewers_staging",
	  "domain.block",
	  "{\"domain\":\"x.example\",\"stage\":true}",
	  "",
	  { GREETED, .roles = VIEWER_ALONE },
	  CONTROL_DENIED },
	{ "refuses_staging_in_a_session_for_reading",
	  "domain.block",
	  "{\"domain\":\"x.example\",\"stage\":true}",
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
			assert_true(verb->role != CONTROL_ROLE_VIEWER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_each_user_its_roles),
		cmocka_unit_test(admits_every_verb_for_exactly_the_roles_of_the_table),
		cmocka_unit_test(names_sets_by_their_greatest),
		cmocka_unit_test(a_grant_can_name_every_role_and_no_other),
		cmocka_unit_test(asks_for_the_role_of_every_kind_that_changes),
		cmocka_unit_test(asks_for_the_role_of_a_field_that_has_one),
		cmocka_unit_test(admits_as_the_table_says),
		cmocka_unit_test(no_change_is_open_to_a_viewer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
