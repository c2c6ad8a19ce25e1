/*
 * Decisions as data: every row of tests/tables/policy.txt, and what must hold for all rows:
 * an explanation changes no verdict, and the change it offers flips it and says no word too many.
 */
#include "daemon/policy/policy.h"
#include "tests/unit/policy/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { ROWS_MIN = 80, COLUMNS = 6, LIST_MAX = 16, COMMANDS_MAX = 8 };

struct row {
	struct slice columns[COLUMNS]; /* behaviour, configuration, facts, answer, status, change */
	struct policy_facts facts;
	struct slice dns[LIST_MAX], sip[LIST_MAX], targets[LIST_MAX];
};

/* ---- reading the table ---- */

static struct slice table;

static int read_table(void **state)
{
	static char bytes[256 * 1024];
	FILE *file = fopen("tests/tables/policy.txt", "r");

	(void)state;
	if (!file)
		return -1;
	table = (struct slice){ bytes, fread(bytes, 1, sizeof bytes, file) };
	fclose(file);
	return table.len == sizeof bytes ? -1 : 0;
}

static void read_certificate(struct row *row, struct slice names)
{
	struct slice name;

	row->facts.is_connected = true;
	row->facts.has_certificate = !slice_equal(names, SLICE("none"));
	row->facts.certificate_dns = row->dns;
	row->facts.certificate_sip = row->sip;
	while (row->facts.has_certificate && slice_next(&names, ',', &name)) {
		assert_true(row->facts.certificate_dns_count < LIST_MAX &&
		            row->facts.certificate_sip_count < LIST_MAX);
		if (world_take(&name, SLICE("sip:")))
			row->sip[row->facts.certificate_sip_count++] = name;
		else
			row->dns[row->facts.certificate_dns_count++] = name;
	}
}

static void read_srv(struct row *row, struct slice word)
{
	struct slice name;

	row->facts.srv_targets = row->targets;
	if (slice_equal(word, SLICE("absent"))) {
		row->facts.srv = POLICY_SRV_ABSENT;
	} else if (slice_equal(word, SLICE("failed"))) {
		row->facts.srv = POLICY_SRV_FAILED;
	} else {
		bool is_sips = world_take(&word, SLICE("sips:"));

		assert_true(is_sips || world_take(&word, SLICE("federation:")));
		row->facts.srv = POLICY_SRV_FOUND;
		row->facts.srv_route = is_sips ? POLICY_ROUTE_SRV_SIPS : POLICY_ROUTE_SRV_FEDERATION;
		while (word.len && slice_next(&word, ',', &name)) {
			assert_true(row->facts.srv_target_count < LIST_MAX);
			row->targets[row->facts.srv_target_count++] = name;
		}
	}
}

static struct slice domain_of(struct slice address)
{
	size_t at = slice_find(address, '@');

	return at < address.len ? slice_after(address, at + 1) : SLICE("");
}

static void read_people(struct row *row, struct slice word)
{
	size_t arrow = slice_find(word, '>');
	bool is_inward = row->facts.direction == POLICY_INWARD;

	assert_true(arrow < word.len);

	struct slice from = slice_first(word, arrow), to = slice_after(word, arrow + 1);

	row->facts.remote_domain = domain_of(is_inward ? from : to);
	row->facts.local_domain = domain_of(is_inward ? to : from);
}

static void read_facts(struct row *row)
{
	static const char *const services[] = { "im", "presence", "av", "other" };
	struct slice words = row->columns[2], word;
	size_t service = 0;

	assert_true(slice_next(&words, ' ', &word));
	assert_true(slice_equal(word, SLICE("in")) || slice_equal(word, SLICE("out")));
	row->facts.direction = slice_equal(word, SLICE("in")) ? POLICY_INWARD : POLICY_OUTWARD;
	assert_true(slice_next(&words, ' ', &word));
	while (service < COUNT(services) && !slice_equal(word, slice_of(services[service])))
		service++;
	assert_true(service < COUNT(services));
	row->facts.service = (enum policy_service)service;
	assert_true(slice_next(&words, ' ', &word));
	read_people(row, word);
	while (slice_next(&words, ' ', &word)) {
		if (world_take(&word, SLICE("cert=")))
			read_certificate(row, word);
		else if (world_take(&word, SLICE("srv=")))
			read_srv(row, word);
		else
			fail_msg("%.*s: \"%.*s\" is no fact", SLICE_ARG(row->columns[0]), SLICE_ARG(word));
	}
}

/* Start with `*rest` = the table. */
static bool next_row(struct slice *rest, struct row *row)
{
	struct slice line;

	while (slice_next(rest, '\n', &line)) {
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		*row = (struct row){ 0 };
		for (size_t i = 0; i < COLUMNS; i++) {
			if (!slice_next(&line, '|', &row->columns[i]))
				fail_msg("%.*s: column %zu is missing", SLICE_ARG(row->columns[0]), i);
			row->columns[i] = slice_trim(row->columns[i]);
		}
		assert_true(line.ptr == NULL);
		read_facts(row);
		return true;
	}
	return false;
}

/* ---- rows ---- */

static void name_answer(const struct policy_verdict *verdict, char *to, size_t size)
{
	static const char *const routes[] = { "none", "proxy", "federation", "sips" };

	if (verdict->answer == POLICY_PASS)
		snprintf(to, size, "pass:%s:%s", routes[verdict->route],
		         verdict->identity == POLICY_IDENTITY_DOMAIN ? "domain" : "edge-fqdn");
	else
		snprintf(to, size, "%s",
		         verdict->answer == POLICY_NEED_SRV ? "need-srv" : policy_step(verdict->step)->name);
}

static void decides_each_row(void **state)
{
	struct slice rest = table;
	struct row row;
	size_t count = 0, wrong = 0;

	(void)state;
	while (next_row(&rest, &row)) {
		struct model_snapshot *snapshot = world_new(row.columns[1]);
		struct policy_image *image = world_image(snapshot, 12);
		struct policy_verdict verdict;
		char answer[64];
		uint64_t status = 1;

		policy_decide(image, &row.facts, &verdict, NULL);
		name_answer(&verdict, answer, sizeof answer);
		assert_true(slice_to_number(row.columns[4], 999, &status));
		if (!slice_equal(row.columns[3], slice_of(answer)) ||
		    (verdict.answer == POLICY_REFUSE &&
		     (int)status != policy_step(verdict.step)->sip_status) ||
		    (verdict.answer != POLICY_REFUSE && status != 0)) {
			print_error("%.*s: %s: %s\n", SLICE_ARG(row.columns[0]), answer,
			            verdict.finding.words);
			wrong++;
		}
		if (verdict.answer == POLICY_REFUSE)
			assert_true(verdict.finding.words[0] != '\0' && verdict.finding.was_asked);
		assert_int_equal(verdict.generation, 12);
		policy_image_close(&image);
		model_snapshot_free(&snapshot);
		count++;
	}
	assert_int_equal(wrong, 0);
	assert_true(count >= ROWS_MIN);
}

static void every_step_refuses_in_some_row(void **state)
{
	bool has_refused[POLICY_STEP_COUNT] = { false };
	struct slice rest = table;
	struct row row;

	(void)state;
	while (next_row(&rest, &row))
		for (int i = 0; i < POLICY_STEP_COUNT; i++)
			has_refused[i] |= slice_equal(row.columns[3],
			                              slice_of(policy_step((enum policy_step_id)i)->name));
	for (int i = 0; i < POLICY_STEP_COUNT; i++)
		assert_true(has_refused[i]);
}

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
			if (i < (int)explained.step)
				assert_int_equal(finding->answer, POLICY_PASS);
		}
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

static void carry_out(struct model_snapshot *snapshot, struct slice command)
{
	if (world_take(&command, SLICE("access-edge set "))) {
		set_fields(snapshot, model_snapshot_one(snapshot, MODEL_ACCESS_EDGE), command);
	} else if (world_take(&command, SLICE("policy set Global "))) {
		set_fields(snapshot, model_snapshot_find(snapshot, MODEL_ACCESS_POLICY, SLICE("Global")),
		           command);
	} else if (world_take(&command, SLICE("domain allow "))) {
		model_snapshot_remove(snapshot, MODEL_BLOCKED_DOMAIN,
		                      slice_first(command, slice_find(command, ' ')));
		world_allow(snapshot, command, ' ');
	} else if (world_take(&command, SLICE("domain remove "))) {
		assert_int_equal(model_snapshot_remove(snapshot, MODEL_BLOCKED_DOMAIN, command), RESULT_OK);
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

	if (!slice_starts(command, SLICE("domain allow ")))
		return SLICE_NONE;
	while (blank > 0 && command.ptr[blank - 1] != ' ')
		blank--;
	return slice_find(slice_after(command, blank), '=') < command.len - blank
	               ? slice_first(command, blank - 1)
	               : SLICE_NONE;
}

static void check_change(const struct row *row, struct slice change)
{
	struct slice commands[COMMANDS_MAX];
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
static bool combine(size_t n, char world[256], char facts[256])
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
		"block=fabrikam.example"
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

	snprintf(world, 256, "%s %s %s", master, kind, entry);
	snprintf(facts, 256, "%s %s%s%s", request, who, certificate, srv);
	return n == 0;
}

/* Every 37th of some 75,000: prime to the number of each choice, so that each meets each other one. */
static void the_change_flips_the_answer_in_any_combination(void **state)
{
	char world[256], facts[256];
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

/* ---- parts ---- */

static void a_verdict_as_words(void **state)
{
	static const struct {
		const char *world, *words;
	} rows[] = {
		{ "on discovery block=fabrikam.example",
		  "refused at step 2 blocked-domain: fabrikam.example is on the block list (version 7)" },
		{ "on discovery", "waits for DNS at step 8 route: DNS has not been asked about "
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

		policy_decide(image, &facts, &verdict, NULL);
		buffer_start(&words, 1024);
		policy_verdict_words(&verdict, &words);
		buffer_add_char(&words, '\0');
		assert_string_equal(buffer_slice(&words).ptr, rows[i].words);
		buffer_stop(&words);
		policy_image_close(&image);
		model_snapshot_free(&snapshot);
	}
}

static void names_the_object_and_field_responsible(void **state)
{
	static const struct {
		const char *world;
		enum model_kind_id kind;
		const char *key, *field;
	} rows[] = {
		{ "", MODEL_ACCESS_EDGE, "", "allow-federated-users" },
		{ "on block=fabrikam.example", MODEL_BLOCKED_DOMAIN, "fabrikam.example", "" },
		{ "on own=northwind.example", MODEL_TOPOLOGY, "contoso.example", "sip-domains" },
		{ "on", MODEL_ALLOWED_DOMAIN, "fabrikam.example", "" },
		{ "on no-user discovery", MODEL_ACCESS_POLICY, "Global", "enable-federation-access" },
		{ "on discovery", MODEL_TOPOLOGY, "", "media" },
		{ "on media discovery", MODEL_ALLOWED_DOMAIN, "fabrikam.example", "proxy-fqdn" },
	};
	const struct policy_facts facts = { .direction = POLICY_OUTWARD,
		                            .service = POLICY_SERVICE_AV,
		                            .srv = POLICY_SRV_ABSENT,
		                            .remote_domain = SLICE("fabrikam.example"),
		                            .local_domain = SLICE("contoso.example") };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct model_snapshot *snapshot = world_new(slice_of(rows[i].world));
		struct policy_image *image = world_image(snapshot, 7);
		struct policy_verdict verdict;

		policy_decide(image, &facts, &verdict, NULL);
		assert_int_equal(verdict.finding.kind, rows[i].kind);
		assert_true(slice_equal(verdict.finding.key, slice_of(rows[i].key)));
		assert_string_equal(verdict.finding.field, rows[i].field);
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

static void targets_fit_as_their_rows_say(void **state)
{
	static const struct {
		struct slice domain, target;
		bool fits;
	} rows[] = {
		{ SLICE("fabrikam.example"), SLICE("sip.fabrikam.example"), true },
		{ SLICE("fabrikam.example"), SLICE("fabrikam.example"), true },
		{ SLICE("fabrikam.example"), SLICE("a.sip.fabrikam.example"), false },
		{ SLICE("fabrikam.example"), SLICE("sip.hoster.example"), false },
		{ SLICE("fabrikam.example"), SLICE("sipfabrikam.example"), false },
		{ SLICE("fabrikam.example"), SLICE(".fabrikam.example"), false },
		{ SLICE("fabrikam.example"), SLICE("example"), false },
		{ SLICE("fabrikam.example"), SLICE("sip."), false },
		{ SLICE("fabrikam.example"), SLICE(""), false },
		{ SLICE(""), SLICE(""), false },
		{ SLICE(""), SLICE("sip."), false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(policy_srv_target_fits(rows[i].domain, rows[i].target), rows[i].fits);
}

static void an_empty_name_matches_no_certificate(void **state)
{
	const struct slice empty = SLICE("");
	const struct policy_facts facts = { .has_certificate = true,
		                            .certificate_dns = &empty,
		                            .certificate_dns_count = 1,
		                            .certificate_sip = &empty,
		                            .certificate_sip_count = 1 };

	(void)state;
	assert_false(
	        policy_identity_matches(&facts, POLICY_IDENTITY_EDGE_FQDN, empty, SLICE("fabrikam.example")));
	assert_false(policy_identity_matches(&facts, POLICY_IDENTITY_DOMAIN, empty, empty));
}

static void names_without_a_verified_certificate_prove_nothing(void **state)
{
	const struct slice name = SLICE("fabrikam.example");
	struct policy_facts facts = { .has_certificate = true,
		                      .certificate_dns = &name,
		                      .certificate_dns_count = 1 };

	(void)state;
	assert_true(policy_identity_matches(&facts, POLICY_IDENTITY_EDGE_FQDN, name, SLICE_NONE));
	assert_true(policy_identity_matches(&facts, POLICY_IDENTITY_DOMAIN, SLICE_NONE, name));
	facts.has_certificate = false;
	assert_false(policy_identity_matches(&facts, POLICY_IDENTITY_EDGE_FQDN, name, SLICE_NONE));
	assert_false(policy_identity_matches(&facts, POLICY_IDENTITY_DOMAIN, SLICE_NONE, name));
}

static void steps_have_names_numbers_and_final_answers_of_their_own(void **state)
{
	(void)state;
	for (int i = 0; i < POLICY_STEP_COUNT; i++) {
		const struct policy_step *step = policy_step((enum policy_step_id)i);

		assert_in_range(step->sip_status, 400, 699);
		assert_true((step->diagnostic >= 1000 && step->diagnostic < 2000) ||
		            step->diagnostic >= 30001);
		assert_true(step->sentence[0] && step->refusal[0]);
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(step->name, policy_step((enum policy_step_id)k)->name);
			assert_int_not_equal(step->diagnostic,
			                     policy_step((enum policy_step_id)k)->diagnostic);
		}
	}
}

/* decide.c compares numbers of choices. */
static void choices_stand_in_the_order_that_decisions_expect(void **state)
{
	const struct model_field *identity = &model_kind(MODEL_ALLOWED_DOMAIN)
	                                              ->fields[MODEL_FIELD(allowed_domain, identity)];
	const struct model_field *media = &model_kind(MODEL_TOPOLOGY)->fields[MODEL_FIELD(topology, media)];

	(void)state;
	assert_true(slice_equal(model_choice(identity, 0), SLICE("auto")));
	assert_true(slice_equal(model_choice(identity, 1), SLICE("edge-fqdn")));
	assert_true(slice_equal(model_choice(identity, 2), SLICE("domain")));
	assert_true(slice_equal(model_choice(media, 0), SLICE("none")));
	assert_true(slice_equal(model_choice(media, 1), SLICE("direct")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_each_row),
		cmocka_unit_test(every_step_refuses_in_some_row),
		cmocka_unit_test(an_explanation_changes_no_verdict),
		cmocka_unit_test(the_change_flips_the_answer_and_no_less_would),
		cmocka_unit_test(the_change_flips_the_answer_in_any_combination),
		cmocka_unit_test(a_verdict_as_words),
		cmocka_unit_test(names_the_object_and_field_responsible),
		cmocka_unit_test(words_are_printable_whatever_the_facts),
		cmocka_unit_test(targets_fit_as_their_rows_say),
		cmocka_unit_test(an_empty_name_matches_no_certificate),
		cmocka_unit_test(names_without_a_verified_certificate_prove_nothing),
		cmocka_unit_test(steps_have_names_numbers_and_final_answers_of_their_own),
		cmocka_unit_test(choices_stand_in_the_order_that_decisions_expect),
	};
	return cmocka_run_group_tests(tests, read_table, NULL);
}
