/*
 * Explanations: for every row of tests/tables/policy.txt, and for combinations that nobody wrote down, an explanation
 * changes no verdict, and the change it offers flips it and says no word too many.
 */
#include "tests/unit/policy/table.h"

enum { COMMANDS_MAX = 8 };

static void an_explanation_changes_no_verdict(void **state)
{
	struct slice rest = table;
	struct row row;

	(void)state;
	while (next_row(&rest, &row)) {
		struct model_snapshot *snapshot = world_new(row.columns[1]);
		struct policy_image *image = world_image(snapshot, 1);
		struct policy_verdict plain, explained;
		struct policy_explanation explanation;

		policy_decide(image, &row.facts, &plain, NULL);
		policy_decide(image, &row.facts, &explained, &explanation);
		assert_int_equal(plain.answer, explained.answer);
		assert_int_equal(plain.step, explained.step);
		assert_int_equal(plain.route, explained.route);
		assert_int_equal(plain.identity, explained.identity);
		assert_ptr_equal(plain.allowed, explained.allowed);
		assert_int_equal(plain.finding.kind, explained.finding.kind);
		assert_true(slice_equal(plain.finding.key, explained.finding.key));
		assert_string_equal(plain.finding.field, explained.finding.field);
		if (plain.answer == POLICY_REFUSE)
			assert_string_equal(plain.finding.words, explained.finding.words);
		for (int i = 0; i < POLICY_STEP_COUNT; i++) {
			const struct policy_finding *finding = &explanation.steps[i];

			assert_true(finding->words[0] != '\0');
			assert_true(finding->was_asked || finding->answer == POLICY_PASS);
		}
		/* Nothing refuses before the one that decides. */
		const enum policy_step_id *steps;
		size_t count = policy_steps_of(row.facts.source, &steps);

		for (size_t i = 0; i < count && steps[i] != explained.step; i++)
			assert_int_equal(explanation.steps[steps[i]].answer, POLICY_PASS);
		policy_image_close(&image);
		model_snapshot_free(&snapshot);
	}
}

/* ---- changes ---- */

static void set_fields(struct model_snapshot *snapshot, struct model_object *object, struct slice words)
{
	struct slice word;

	while (slice_next(&words, ' ', &word)) {
		size_t at = slice_find(word, '=');

		assert_true(at < word.len);
		assert_true(world_set(snapshot, object, slice_first(word, at), slice_after(word, at + 1)));
	}
}

/* The first word of a command, in quotes or not; taken off. */
static struct slice unquoted(struct slice *command)
{
	bool is_quoted = command->len && command->ptr[0] == '"';
	struct slice name;

	if (is_quoted)
		*command = slice_after(*command, 1);
	name = slice_first(*command, slice_find(*command, is_quoted ? '"' : ' '));
	*command = slice_after(*command, name.len < command->len ? name.len + 1 : name.len);
	*command = slice_trim(*command);
	return name;
}

static void carry_out(struct model_snapshot *snapshot, struct slice command)
{
	if (world_take(&command, SLICE("access-edge set "))) {
		set_fields(snapshot, model_snapshot_one(snapshot, MODEL_ACCESS_EDGE), command);
	} else if (world_take(&command, SLICE("policy set "))) {
		size_t name = slice_find(command, ' ');
		struct model_object *policy = model_snapshot_find(snapshot, MODEL_ACCESS_POLICY,
		                                                  slice_first(command, name));

		assert_non_null(policy);
		set_fields(snapshot, policy, slice_after(command, name + 1));
	} else if (world_take(&command, SLICE("domain allow "))) {
		model_snapshot_remove(snapshot, MODEL_BLOCKED_DOMAIN,
		                      slice_first(command, slice_find(command, ' ')));
		world_allow(snapshot, command, ' ');
	} else if (world_take(&command, SLICE("domain remove "))) {
		assert_int_equal(model_snapshot_remove(snapshot, MODEL_BLOCKED_DOMAIN, command), RESULT_OK);
	} else if (world_take(&command, SLICE("xmpp add ")) || world_take(&command, SLICE("xmpp set "))) {
		world_many(snapshot, MODEL_XMPP_PARTNER, command, ' ');
	} else if (world_take(&command, SLICE("xmpp enable "))) {
		assert_true(world_set(snapshot, model_snapshot_find(snapshot, MODEL_XMPP_PARTNER, command),
		                      SLICE("enabled"), SLICE("true")));
	} else if (world_take(&command, SLICE("conference add "))) {
		world_many(snapshot, MODEL_CONFERENCE, command, ' ');
	} else if (world_take(&command, SLICE("provider enable "))) {
		assert_true(world_set(snapshot,
		                      model_snapshot_find(snapshot, MODEL_SIP_PROVIDER, unquoted(&command)),
		                      SLICE("enabled"), SLICE("true")));
	} else if (world_take(&command, SLICE("provider set "))) {
		struct model_object *provider = model_snapshot_find(snapshot, MODEL_SIP_PROVIDER,
		                                                    unquoted(&command));

		assert_non_null(provider);
		set_fields(snapshot, provider, command);
	} else if (world_take(&command, SLICE("topology.xml: sip-domains+="))) {
		world_own(snapshot, command);
	} else {
		assert_true(world_take(&command, SLICE("topology.xml: ")));
		set_fields(snapshot, model_snapshot_one(snapshot, MODEL_TOPOLOGY), command);
	}
}

static size_t commands_of(struct slice change, struct slice commands[COMMANDS_MAX])
{
	size_t count = 0;

	while (change.len && slice_next(&change, ';', &commands[count])) {
		commands[count] = slice_trim(commands[count]);
		assert_true(++count < COMMANDS_MAX);
	}
	return count;
}

/* All commands but the one at `without` are carried out (COMMANDS_MAX: all), then it is decided again. */
static enum policy_answer answer_after(const struct row *row, const struct slice *commands, size_t count,
                                       size_t without)
{
	struct model_snapshot *snapshot = world_new(row->columns[1]);
	struct policy_verdict verdict;
	struct reason reason = { "" };

	for (size_t i = 0; i < count; i++)
		if (i != without)
			carry_out(snapshot, commands[i]);
	if (without == COMMANDS_MAX && model_snapshot_check(snapshot, &reason) != RESULT_OK)
		fail_msg("%.*s: the change may not be published: %s", SLICE_ARG(row->columns[0]),
		         reason.text);

	struct policy_image *image = world_image(snapshot, 2);

	policy_decide(image, &row->facts, &verdict, NULL);
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
	return verdict.answer;
}

/* The last "field=value" of a command is left out; SLICE_NONE when there is none that can be. */
static struct slice shorter(struct slice command)
{
	size_t blank = command.len;

	if (!slice_starts(command, SLICE("domain allow ")) && !slice_starts(command, SLICE("xmpp add ")) &&
	    !slice_starts(command, SLICE("policy set ")) && !slice_starts(command, SLICE("provider set ")))
		return SLICE_NONE;
	while (blank > 0 && command.ptr[blank - 1] != ' ')
		blank--;
	if ((slice_starts(command, SLICE("policy set ")) || slice_starts(command, SLICE("provider set "))) &&
	    slice_find(command, '=') > blank) /* its only one */
		return SLICE_NONE;
	return slice_find(slice_after(command, blank), '=') < command.len - blank
	               ? slice_first(command, blank - 1)
	               : SLICE_NONE;
}

static void check_change(const struct row *row, struct slice change)
{
	struct slice commands[COMMANDS_MAX] = { SLICE_NONE };
	size_t count = commands_of(change, commands);

	if (answer_after(row, commands, count, COMMANDS_MAX) == POLICY_REFUSE)
		fail_msg("%.*s: \"%.*s\" does not flip the answer", SLICE_ARG(row->columns[0]),
		         SLICE_ARG(change));
	for (size_t i = 0; i < count; i++) {
		struct slice whole = commands[i];

		if (answer_after(row, commands, count, i) != POLICY_REFUSE)
			fail_msg("%.*s: \"%.*s\" is not needed", SLICE_ARG(row->columns[0]),
			         SLICE_ARG(whole));
		commands[i] = shorter(whole);
		if (commands[i].ptr && answer_after(row, commands, count, COMMANDS_MAX) != POLICY_REFUSE)
			fail_msg("%.*s: \"%.*s\" says more than needed", SLICE_ARG(row->columns[0]),
			         SLICE_ARG(whole));
		commands[i] = whole;
	}
}

static void the_change_flips_the_answer_and_no_less_would(void **state)
{
	struct slice rest = table;
	struct row row;
	size_t flipped = 0;

	(void)state;
	while (next_row(&rest, &row)) {
		struct model_snapshot *snapshot = world_new(row.columns[1]);
		struct policy_image *image = world_image(snapshot, 1);
		struct policy_verdict verdict;
		struct policy_explanation explanation;

		policy_decide(image, &row.facts, &verdict, &explanation);

		struct slice change = slice_of(explanation.change);
		bool is_none = slice_starts(change, SLICE("none: "));

		if (slice_equal(row.columns[5], SLICE("none")) ? !is_none
		                                               : !slice_equal(row.columns[5], change))
			fail_msg("%.*s: the change is \"%s\"", SLICE_ARG(row.columns[0]), explanation.change);
		if (verdict.answer == POLICY_REFUSE && !is_none) {
			check_change(&row, change);
			flipped++;
		}
		policy_image_close(&image);
		model_snapshot_free(&snapshot);
	}
	assert_true(flipped >= 40);
}

/* One of `choices`, and `*n` without it. */
static const char *choose(size_t *n, const char *const *choices, size_t count)
{
	const char *chosen = choices[*n % count];

	*n /= count;
	return chosen;
}

/* The n-th of all combinations of what the rows are made of; false past the last. */
static bool combine(size_t n, char world[320], char facts[256])
{
	static const char *const switches[] = { "on", "", "on no-user" };
	static const char *const kinds[] = { "", "discovery", "media", "media discovery" };
	static const char *const entries[] = {
		"",
		"allow=fabrikam.example",
		"allow=fabrikam.example,proxy=sip.fabrikam.example",
		"allow=fabrikam.example,identity=domain",
		"allow=fabrikam.example,identity=edge-fqdn",
		"allow=fabrikam.example,proxy=sip.hoster.example,identity=domain",
		"block=fabrikam.example",
		"provider=P,enabled=true,proxy=sip.hoster.example,domains=fabrikam.example",
		"allow=fabrikam.example provider=P,type=hosting,proxy=sip.hoster.example,"
		"verification-level=always-verifiable",
		"provider=P,type=hosting,enabled=true,proxy=sip.hoster.example,"
		"verification-level=use-source-verification,domains=fabrikam.example,"
		"enabled-shared-address-space=true",
	};
	static const char *const requests[] = { "in im", "out im", "in av", "out av" };
	static const char *const people[] = { "a@fabrikam.example>b@contoso.example",
		                              "a@contoso.example>b@fabrikam.example",
		                              "a@fabrikam.example>b@northwind.example",
		                              "a@northwind.example>b@fabrikam.example" };
	static const char *const certificates[] = { "",
		                                    " cert=none",
		                                    " cert=sip.fabrikam.example",
		                                    " cert=fabrikam.example",
		                                    " cert=sip:fabrikam.example",
		                                    " cert=sip.hoster.example,*.fabrikam.example",
		                                    " cert=sip.evil.example,sip:evil.example" };
	static const char *const srvs[] = { "",
		                            " srv=absent",
		                            " srv=failed",
		                            " srv=federation:sip.fabrikam.example",
		                            " srv=federation:sip.hoster.example,sip.fabrikam.example",
		                            " srv=federation:sip.hoster.example",
		                            " srv=sips:sip.hoster.example",
		                            " srv=sips:sip.fabrikam.example" };
#define CHOOSE(from) choose(&n, from, COUNT(from))
	const char *master = CHOOSE(switches), *kind = CHOOSE(kinds), *entry = CHOOSE(entries);
	const char *request = CHOOSE(requests), *who = CHOOSE(people);
	const char *certificate = CHOOSE(certificates), *srv = CHOOSE(srvs);
#undef CHOOSE

	snprintf(world, 320, "%s %s %s", master, kind, entry);
	snprintf(facts, 256, "%s %s%s%s", request, who, certificate, srv);
	return n == 0;
}

/* Every 37th of some 75,000: prime to the number of each choice, so that each meets each other one. */
static void the_change_flips_the_answer_in_any_combination(void **state)
{
	char world[320], facts[256];
	size_t flipped = 0;

	(void)state;
	for (size_t n = 0; combine(n, world, facts); n += 37) {
		struct row row = {
			.columns = { [0] = slice_of(facts), [1] = slice_of(world), [2] = slice_of(facts) }
		};
		struct model_snapshot *snapshot = world_new(row.columns[1]);
		struct policy_image *image = world_image(snapshot, 1);
		struct policy_verdict verdict, plain;
		struct policy_explanation explanation;

		read_facts(&row);
		policy_decide(image, &row.facts, &verdict, &explanation);
		policy_decide(image, &row.facts, &plain, NULL);
		assert_int_equal(verdict.answer, plain.answer);
		assert_int_equal(verdict.step, plain.step);
		if (verdict.answer == POLICY_REFUSE) {
			assert_true(explanation.change[0] != '\0');
			if (!slice_starts(slice_of(explanation.change), SLICE("none: "))) {
				check_change(&row, slice_of(explanation.change));
				flipped++;
			}
		}
		policy_image_close(&image);
		model_snapshot_free(&snapshot);
	}
	assert_true(flipped > 200);
}

/* ---- words ---- */

static void a_verdict_as_words(void **state)
{
	static const struct {
		const char *world, *words;
	} rows[] = {
		{ "on discovery block=fabrikam.example",
		  "refused at step 2 blocked-domain: fabrikam.example is on the block list (version 7)" },
		{ "on discovery", "waits for DNS at step %d route: DNS has not been asked about "
		                  "fabrikam.example yet (version 7)" },
		{ "on allow=fabrikam.example,proxy=sip.fabrikam.example", "allowed (version 7)" },
	};
	const struct policy_facts facts = { .direction = POLICY_OUTWARD,
		                            .remote_domain = SLICE("fabrikam.example"),
		                            .local_domain = SLICE("contoso.example") };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct model_snapshot *snapshot = world_new(slice_of(rows[i].world));
		struct policy_image *image = world_image(snapshot, 7);
		struct policy_verdict verdict;
		struct buffer words;
		char wanted[256];
		size_t used = 0;

		policy_decide(image, &facts, &verdict, NULL);
		for (const char *at = rows[i].words; *at && used < sizeof wanted - 1; at++)
			if (at[0] == '%' && at[1] == 'd')
				used += (size_t)snprintf(wanted + used, sizeof wanted - used, "%d",
				                         POLICY_STEP_ROUTE + 1),
				        at++;
			else
				wanted[used++] = *at;
		wanted[used] = '\0';
		buffer_start(&words, 1024);
		policy_verdict_words(&verdict, &words);
		buffer_add_char(&words, '\0');
		assert_string_equal(buffer_slice(&words).ptr, wanted);
		buffer_stop(&words);
		policy_image_close(&image);
		model_snapshot_free(&snapshot);
	}
}

/* Logs and terminals read the words: even facts that no parser should have let through come out printable. */
static void words_are_printable_whatever_the_facts(void **state)
{
	static const char *const worlds[] = { "", "on", "on discovery", "on no-user",
		                              "on media discovery own=a.example" };
	const struct slice bad[] = { SLICE("\x1b[2J.example") };
	struct policy_facts facts = { .remote_domain = SLICE("evil\x1b[2J\n.example"),
		                      .local_domain = SLICE("a\nb"),
		                      .is_connected = true,
		                      .has_certificate = true,
		                      .certificate_dns = bad,
		                      .certificate_dns_count = 1,
		                      .srv = POLICY_SRV_FOUND,
		                      .srv_route = POLICY_ROUTE_SRV_FEDERATION,
		                      .srv_targets = bad,
		                      .srv_target_count = 1 };

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(worlds); i++) {
		struct model_snapshot *snapshot = world_new(slice_of(worlds[i / 2]));
		struct policy_image *image = world_image(snapshot, 7);
		struct policy_verdict verdict;
		struct policy_explanation explanation;

		facts.direction = i % 2 ? POLICY_OUTWARD : POLICY_INWARD;
		policy_decide(image, &facts, &verdict, &explanation);
		for (int step = 0; step < POLICY_STEP_COUNT; step++)
			assert_null(strpbrk(explanation.steps[step].words, "\x1b\n"));
		assert_null(strpbrk(explanation.change, "\x1b\n"));
		policy_image_close(&image);
		model_snapshot_free(&snapshot);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_explanation_changes_no_verdict),
		cmocka_unit_test(the_change_flips_the_answer_and_no_less_would),
		cmocka_unit_test(the_change_flips_the_answer_in_any_combination),
		cmocka_unit_test(a_verdict_as_words),
		cmocka_unit_test(words_are_printable_whatever_the_facts),
	};
	return cmocka_run_group_tests(tests, read_table, NULL);
}
