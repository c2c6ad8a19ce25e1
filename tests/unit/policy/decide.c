/* Decisions as data: every row of tests/tables/policy.txt, and the parts that steps are made of. */
#include "tests/unit/policy/table.h"

enum { ROWS_MIN = 80 };

/* ---- rows ---- */

static void name_answer(const struct policy_verdict *verdict, enum policy_source source, char *to,
                        size_t size)
{
	static const char *const routes[] = { "none", "proxy", "federation", "sips", "default", "provider" };

	if (verdict->answer == POLICY_PASS && source == POLICY_REMOTE)
		snprintf(to, size, "pass:remote");
	else if (verdict->answer == POLICY_PASS && source == POLICY_ANONYMOUS)
		snprintf(to, size, "pass:anonymous");
	else if (verdict->answer == POLICY_PASS && verdict->protocol == POLICY_XMPP)
		snprintf(to, size, "pass:xmpp");
	else if (verdict->answer == POLICY_PASS)
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
		name_answer(&verdict, row.facts.source, answer, sizeof answer);
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

/* ---- parts ---- */

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
		/* Lync's of the SIP stack and of user services, or ours. */
		assert_true((step->diagnostic >= 1000 && step->diagnostic < 2000) ||
		            (step->diagnostic >= 4000 && step->diagnostic < 5000) ||
		            step->diagnostic >= 30001);
		assert_true(step->sentence[0] && step->refusal[0] && step->advice[0]);
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(step->name, policy_step((enum policy_step_id)k)->name);
			assert_int_not_equal(step->diagnostic,
			                     policy_step((enum policy_step_id)k)->diagnostic);
		}
	}
}

/* A number of Lync's may stand for a step and for what it has no step for; ours stand for one row. */
static void refusals_outside_decisions_have_names_and_numbers_of_their_own(void **state)
{
	(void)state;
	for (int i = POLICY_STEP_COUNT; i < POLICY_REFUSAL_COUNT; i++) {
		const struct policy_step *row = policy_step((enum policy_step_id)i);

		assert_in_range(row->sip_status, 400, 699);
		assert_true((row->diagnostic >= 1000 && row->diagnostic < 2000) || row->diagnostic >= 30001);
		assert_true(row->refusal[0] && row->advice[0]);
		for (int k = 0; k < i; k++) {
			const struct policy_step *other = policy_step((enum policy_step_id)k);

			assert_string_not_equal(row->name, other->name);
			assert_true(row->diagnostic < 30001 || row->diagnostic != other->diagnostic);
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

	const struct model_field *type = &model_kind(MODEL_XMPP_PARTNER)
	                                          ->fields[MODEL_FIELD(xmpp_partner, partner_type)];

	assert_true(slice_equal(model_choice(type, 0), SLICE("federated")));
	assert_true(slice_equal(model_choice(type, 1), SLICE("public-verified")));
	assert_true(slice_equal(model_choice(type, 2), SLICE("public-unverified")));

	const struct model_field *edge = model_kind(MODEL_ACCESS_EDGE)->fields;
	const struct model_field *routing = &edge[MODEL_FIELD(access_edge, routing_method)];
	const struct model_field *levels[] = {
		&edge[MODEL_FIELD(access_edge, verification_level)],
		&edge[MODEL_FIELD(access_edge, discovered_partner_verification_level)],
		&model_kind(MODEL_ALLOWED_DOMAIN)->fields[MODEL_FIELD(allowed_domain, verification_level)],
		&model_kind(MODEL_SIP_PROVIDER)->fields[MODEL_FIELD(sip_provider, verification_level)],
	};
	const struct model_field *provider = &model_kind(MODEL_SIP_PROVIDER)
	                                              ->fields[MODEL_FIELD(sip_provider, type)];

	assert_true(slice_equal(model_choice(provider, 0), SLICE("public")));
	assert_true(slice_equal(model_choice(provider, 1), SLICE("hosting")));

	assert_true(slice_equal(model_choice(routing, 0), SLICE("dns-srv")));
	assert_true(slice_equal(model_choice(routing, 1), SLICE("default-route")));
	for (size_t i = 0; i < COUNT(levels); i++) {
		assert_true(slice_equal(model_choice(levels[i], POLICY_VERIFICATION_ALWAYS),
		                        SLICE("always-verifiable")));
		assert_true(slice_equal(model_choice(levels[i], POLICY_VERIFICATION_NEVER),
		                        SLICE("always-unverifiable")));
		assert_true(slice_equal(model_choice(levels[i], POLICY_VERIFICATION_SOURCE),
		                        SLICE("use-source-verification")));
	}
}

/* Each kind of partner has a level of its own. */
static void tells_which_verification_level_holds(void **state)
{
	static const struct {
		const char *world;
		enum policy_verification level;
		bool is_public;
	} rows[] = {
		{ "on allow=fabrikam.example", POLICY_VERIFICATION_ALWAYS, false },
		{ "on allow=fabrikam.example,verification-level=always-unverifiable",
		  POLICY_VERIFICATION_NEVER, false },
		{ "on allow=fabrikam.example,verification-level=use-source-verification",
		  POLICY_VERIFICATION_SOURCE, false },
		{ "on discovery", POLICY_VERIFICATION_SOURCE, false },
		{ "on route=hub.example", POLICY_VERIFICATION_SOURCE, false },
		{ "on public route=hub.example", POLICY_VERIFICATION_SOURCE, true },
		{ "on public", POLICY_VERIFICATION_SOURCE, false },
		{ "on public route=hub.example allow=fabrikam.example", POLICY_VERIFICATION_SOURCE, true },
		{ "on public route=hub.example allow=fabrikam.example,proxy=sip.fabrikam.example",
		  POLICY_VERIFICATION_ALWAYS, false },
		{ "on provider=P,proxy=p.example,domains=fabrikam.example", POLICY_VERIFICATION_NEVER, true },
		{ "on "
		  "provider=P,proxy=p.example,domains=fabrikam.example,verification-level=always-verifiable",
		  POLICY_VERIFICATION_ALWAYS, true },
		{ "on provider=P,type=hosting,proxy=p.example,domains=fabrikam.example,"
		  "verification-level=use-source-verification",
		  POLICY_VERIFICATION_SOURCE, false },
	};
	const struct policy_facts facts = { .direction = POLICY_INWARD,
		                            .remote_domain = SLICE("fabrikam.example"),
		                            .local_domain = SLICE("contoso.example") };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct model_snapshot *snapshot = world_new(slice_of(rows[i].world));
		struct policy_image *image = world_image(snapshot, 7);
		struct policy_verdict verdict;

		policy_decide(image, &facts, &verdict, NULL);
		assert_int_equal(verdict.verification, rows[i].level);
		assert_int_equal(verdict.federation == POLICY_FEDERATION_PUBLIC, rows[i].is_public);
		policy_image_close(&image);
		model_snapshot_free(&snapshot);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_each_row),
		cmocka_unit_test(every_step_refuses_in_some_row),
		cmocka_unit_test(names_the_object_and_field_responsible),
		cmocka_unit_test(targets_fit_as_their_rows_say),
		cmocka_unit_test(an_empty_name_matches_no_certificate),
		cmocka_unit_test(names_without_a_verified_certificate_prove_nothing),
		cmocka_unit_test(steps_have_names_numbers_and_final_answers_of_their_own),
		cmocka_unit_test(refusals_outside_decisions_have_names_and_numbers_of_their_own),
		cmocka_unit_test(choices_stand_in_the_order_that_decisions_expect),
		cmocka_unit_test(tells_which_verification_level_holds),
	};
	return cmocka_run_group_tests(tests, read_table, NULL);
}
