/* SIP domains, their form, the questions about them. */
#include "tests/unit/screens/pictures.h"

static struct listing *listing_of(struct stage *stage) { return &stage->scene.listings[SCREEN_DOMAINS]; }

static struct stage *domains(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_DOMAINS;
	listing_of(stage)->table.selected = 2;
	return stage;
}

static struct stage *domains_error(void)
{
	struct stage *stage = domains();

	listing_of(stage)->table.selected = 6;
	return stage;
}

static struct stage *domains_viewer(void)
{
	struct stage *stage = open_stage("hello-viewer.json", "status.json", "domains.json");

	stage->scene.screen = SCREEN_DOMAINS;
	return stage;
}

static struct stage *domains_filtered(void)
{
	struct stage *stage = domains();

	stage->scene.prompt = PROMPT_FILTER;
	editor_set(&listing_of(stage)->filter, SLICE("rule:block"));
	editor_set(&stage->scene.editor, SLICE("rule:block"));
	listing_of(stage)->table.selected = 1;
	assert_true(listing_mark(listing_of(stage)));
	listing_of(stage)->table.selected = 2;
	listing_of(stage)->table.sort = 5; /* MSG/S */
	listing_of(stage)->table.is_reversed = true;
	scene_arrange(&stage->scene);
	return stage;
}

static struct stage *domains_empty(void)
{
	struct stage *stage = open_stage("hello.json", "status-stopped.json", NULL);

	stage->scene.screen = SCREEN_DOMAINS;
	listing_of(stage)->heard_ms = now.mono_ms - 1;
	return stage;
}

static struct stage *domains_saving(void)
{
	struct stage *stage = domains();

	snprintf(stage->scene.saving, sizeof stage->scene.saving, "parley domain block fabrikam.example");
	stage->scene.saving_since_ms = now.mono_ms - 3200;
	stage->scene.saving_count = 1;
	return stage;
}

static struct stage *domains_hostile(void)
{
	struct stage *stage = open_stage("hello.json", "status.json", "domains-hostile.json");

	stage->scene.screen = SCREEN_DOMAINS;
	scene_say(&stage->scene, GRID_BAD, "refused: %s", "\033[31m\u202e\u7db2");
	return stage;
}

static void block(struct console *console) { question_domains(console, ACTION_BLOCK); }

static void allow(struct console *console) { question_domains(console, ACTION_ALLOW); }

static struct stage *domains_allowed_already(void)
{
	struct stage *stage = domains();

	ask(stage, allow);
	return stage;
}

static struct stage *domains_question(void)
{
	struct stage *stage = domains();

	ask(stage, block);
	return stage;
}

static struct stage *domain_form(void)
{
	struct stage *stage = form_of(MODEL_ALLOWED_DOMAIN, "fabrikam.example", "domain-form.json");

	type_into(stage, "identity", "domain");
	type_into(stage, "proxy-fqdn", "sip..fabrikam.example");
	return stage;
}

static struct stage *domain_form_meanwhile(void)
{
	struct stage *stage = form_of(MODEL_ALLOWED_DOMAIN, "fabrikam.example", "domain-form.json");
	struct json *theirs;
	struct reason reason;

	type_into(stage, "comment", "ours");
	assert_int_equal(
	        json_read(SLICE("{\"version\":119,\"fields\":{\"domain\":\"fabrikam.example\",\"proxy-fqdn\":"
	                        "\"\","
	                        "\"proxy-port\":5061,\"identity\":\"edge-fqdn\",\"mark-for-monitoring\":true,"
	                        "\"comment\":\"moved to litware\"}}"),
	                  &theirs, &reason),
	        RESULT_OK);
	editing_fill(&stage->scene.editing, theirs);
	json_free(&theirs);
	return stage;
}

static struct stage *domain_new(void) { return form_of(MODEL_ALLOWED_DOMAIN, "", NULL); }

/* A change that no form made: the dialog says why, and asks nothing. */
static void block_refused(struct console *console)
{
	block(console);
	answer_trial(console, CONTROL_INVALID, NO_STREAM,
	             "[{\"path\":\"sasl-negotiation\",\"why\":\"" NO_STREAM "\",\"allowed\":\"" CURE "\"}]");
}

static struct stage *domains_refused(void)
{
	struct stage *stage = domains();

	ask(stage, block_refused);
	return stage;
}

static struct stage *domains_as_of(void)
{
	struct stage *stage = domains();

	stage->scene.as_of = 112;
	return stage;
}

static struct stage *keys_of_domains(void)
{
	struct stage *stage = domains();

	reading_show_keys(&stage->scene);
	return stage;
}

static struct stage *domains_bare(void)
{
	struct stage *stage = domains();

	stage->scene.is_bare = true;
	return stage;
}

static const struct picture pictures[] = {
	{ "domains-80x24", domains, 80, 24, false, false },
	{ "domains-80x24-utf8", domains, 80, 24, true, true },
	{ "domains-120x40", domains, 120, 40, false, false },
	{ "domains-60x16", domains, 60, 16, false, false },
	{ "domains-viewer-80x24", domains_viewer, 80, 24, false, false },
	{ "domains-filtered-80x24", domains_filtered, 80, 24, false, false },
	{ "domains-empty-80x24", domains_empty, 80, 24, false, false },
	{ "domains-question-80x24", domains_question, 80, 24, false, false },
	{ "domains-saving-80x24", domains_saving, 80, 24, false, false },
	{ "domains-hostile-80x24", domains_hostile, 80, 24, true, false },
	{ "domains-hostile-80x24-ascii", domains_hostile, 80, 24, false, false },
	{ "domain-form-80x24", domain_form, 80, 24, false, false },
	{ "domain-form-120x40", domain_form, 120, 40, false, false },
	{ "domain-form-60x16", domain_form, 60, 16, false, false },
	{ "domain-form-meanwhile-80x24", domain_form_meanwhile, 80, 24, false, false },
	{ "domain-new-80x24", domain_new, 80, 24, false, false },
	{ "domains-error-80x24", domains_error, 80, 24, false, false },
	{ "domains-allowed-already-80x24", domains_allowed_already, 80, 24, false, false },
	{ "domains-refused-80x24", domains_refused, 80, 24, false, false },
	{ "domains-as-of-80x24", domains_as_of, 80, 24, false, false },
	{ "domains-bare-80x24", domains_bare, 80, 24, true, true },
	{ "keys-80x24", keys_of_domains, 80, 24, false, false },
};

int main(void) { return pictures_main(pictures, COUNT(pictures)); }
