/* Kinds of federation x services x switches: every cell of tests/tables/carries.txt, both ways. */
#include "tests/unit/policy/table.h"

enum { SWITCHES = 7, ROWS = 48 };

/* The switches of the columns, as words of a world; each column leaves one out. */
static const char *const switches[SWITCHES] = { "", "on", "fed", "xmpp", "cloud", "cloud-av", "media" };

/* A kind: its partner, and how the facts say that it is one. */
static const struct kind {
	const char *name, *world, *remote, *certificate;
} kinds[] = {
	{ "sip", "allow=there.example,proxy=edge.example", "there.example", "edge.example" },
	{ "public",
	  "provider=P,enabled=true,proxy=edge.example,domains=there.example,"
	  "verification-level=always-verifiable",
	  "there.example", "edge.example" },
	{ "public-calls",
	  "provider=P,enabled=true,proxy=edge.example,domains=there.example,"
	  "verification-level=always-verifiable,carry-calls=true",
	  "there.example", "edge.example" },
	{ "hosting",
	  "provider=P,type=hosting,enabled=true,proxy=edge.example,domains=there.example,"
	  "verification-level=always-verifiable",
	  "there.example", "edge.example" },
	{ "shared",
	  "provider=P,type=hosting,enabled=true,proxy=edge.example,enabled-shared-address-space=true,"
	  "hosts-ocs-users=true",
	  "contoso.example", "edge.example" },
	{ "voicemail",
	  "provider=P,type=hosting,enabled=true,proxy=edge.example,enabled-shared-address-space=true",
	  "contoso.example", "edge.example" },
	{ "xmpp", "xmpp=there.example,partner-type=federated", "there.example", NULL },
	{ "default-public", "public route=edge.example", "there.example", "edge.example" },
};

static const struct kind *kind_named(struct slice name)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (slice_equal(name, slice_of(kinds[i].name)))
			return &kinds[i];
	fail_msg("%.*s is no kind", SLICE_ARG(name));
	return NULL;
}

static struct policy_image *image_without(const struct kind *kind, size_t off)
{
	char words[512];
	size_t used = (size_t)snprintf(words, sizeof words, "%s%s%s", kind->world, off == 2 ? " no-user" : "",
	                               off == 3 ? " no-xmpp" : "");
	struct model_snapshot *snapshot;
	struct policy_image *image;

	for (size_t i = 1; i < SWITCHES; i++)
		if (i != off && i != 2 && i != 3)
			used += (size_t)snprintf(words + used, sizeof words - used, " %s", switches[i]);
	snapshot = world_new(slice_of(words));
	image = world_image(snapshot, 1);
	model_snapshot_free(&snapshot);
	return image;
}

static struct policy_facts facts_of(const struct kind *kind, struct slice service, bool is_inward,
                                    struct slice *certificate)
{
	struct policy_facts facts = { .direction = is_inward ? POLICY_INWARD : POLICY_OUTWARD,
		                      .protocol = kind->certificate ? POLICY_SIP : POLICY_XMPP,
		                      .method = SLICE("X"),
		                      .remote_domain = slice_of(kind->remote),
		                      .local_domain = SLICE("contoso.example"),
		                      .local_user = SLICE("alice") };

	facts.service = slice_equal(service, SLICE("presence")) ? POLICY_SERVICE_PRESENCE
	                : slice_equal(service, SLICE("av"))     ? POLICY_SERVICE_AV
	                : slice_equal(service, SLICE("other")) || slice_equal(service, SLICE("file"))
	                        ? POLICY_SERVICE_OTHER
	                        : POLICY_SERVICE_IM;
	facts.is_conference = slice_equal(service, SLICE("conference"));
	facts.is_transfer = slice_equal(service, SLICE("file"));
	if (kind->certificate && is_inward) {
		*certificate = slice_of(kind->certificate);
		facts.is_connected = facts.has_certificate = true;
		facts.certificate_dns = certificate;
		facts.certificate_dns_count = 1;
	}
	return facts;
}

static void check_cell(struct slice name, struct slice service, size_t off, struct slice wanted)
{
	const struct kind *kind = kind_named(name);
	struct policy_image *image = image_without(kind, off);

	for (int inward = 0; inward < 2; inward++) {
		struct slice certificate;
		struct policy_facts facts = facts_of(kind, service, inward, &certificate);
		struct policy_verdict verdict;
		const char *answer;

		policy_decide(image, &facts, &verdict, NULL);
		answer = verdict.answer == POLICY_PASS ? "-" : policy_step(verdict.step)->name;
		if (!slice_equal(wanted, slice_of(answer)))
			fail_msg("%.*s %.*s without %s, %s: %s: %s", SLICE_ARG(name), SLICE_ARG(service),
			         switches[off], inward ? "in" : "out", answer, verdict.finding.words);
		/* Whoever reads the refusal is told what is not carried, and by which kind. */
		if (verdict.answer == POLICY_REFUSE && verdict.step == POLICY_STEP_KIND_SERVICE) {
			assert_non_null(
			        strstr(verdict.finding.words, policy_federation_name(verdict.federation)));
			assert_non_null(strstr(verdict.finding.words, " carries no "));
		}
	}
	policy_image_close(&image);
}

static void each_kind_carries_what_its_row_says(void **state)
{
	static char bytes[32 * 1024];
	FILE *file = fopen("tests/tables/carries.txt", "r");
	struct slice rest, line, cell;
	size_t rows = 0;

	(void)state;
	assert_non_null(file);
	rest = (struct slice){ bytes, fread(bytes, 1, sizeof bytes, file) };
	fclose(file);
	while (slice_next(&rest, '\n', &line)) {
		struct slice kind, service;

		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		assert_true(slice_next(&line, '|', &kind) && slice_next(&line, '|', &service));
		for (size_t off = 0; off < SWITCHES; off++) {
			assert_true(slice_next(&line, '|', &cell));
			check_cell(slice_trim(kind), slice_trim(service), off, slice_trim(cell));
		}
		rows++;
	}
	assert_int_equal(rows, ROWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_kind_carries_what_its_row_says) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
