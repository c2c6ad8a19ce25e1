/*
 * Screens as cells, compared with tests/golden/NAME.txt: characters, then the
 * cursor, then roles.  UPDATE=1 writes the files anew; look at what changed.
 */
#include "tui/screens/parts.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shared/base/memory.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { FILE_MAX = 1 << 20 };
static const struct instant now = { .mono_ms = 1000000, .wall_ms = 1767276120000 }; /* 2026-01-01 14:02 UTC */

/* ---- files ---- */

static bool read_file(const char *name, struct buffer *out)
{
	char path[256];
	FILE *file;
	char *at;
	size_t got;

	snprintf(path, sizeof path, "tests/golden/%s", name);
	file = fopen(path, "rb");
	if (!file)
		return false;
	while ((at = buffer_reserve(out, 4096)) && (got = fread(at, 1, 4096, file)) > 0)
		buffer_grew(out, got);
	fclose(file);
	return true;
}

static struct json *read_json(const char *name)
{
	struct buffer text;
	struct json *value;
	struct reason reason;

	buffer_start(&text, FILE_MAX);
	if (!read_file(name, &text))
		fail_msg("tests/golden/%s cannot be read; tests run from the top of the tree", name);
	if (json_read(buffer_slice(&text), &value, &reason) != RESULT_OK)
		fail_msg("%s: %s", name, reason.text);
	buffer_stop(&text);
	return value;
}

static void compare(const char *name, struct slice drawn)
{
	char file_name[128];
	struct buffer wanted;

	snprintf(file_name, sizeof file_name, "%s.txt", name);
	if (getenv("UPDATE")) {
		char path[256];
		FILE *file;

		snprintf(path, sizeof path, "tests/golden/%s", file_name);
		file = fopen(path, "wb");
		assert_non_null(file);
		assert_int_equal(fwrite(drawn.ptr, 1, drawn.len, file), drawn.len);
		fclose(file);
		return;
	}
	buffer_start(&wanted, FILE_MAX);
	if (!read_file(file_name, &wanted))
		fail_msg("tests/golden/%s is missing; UPDATE=1 writes it", file_name);
	if (!slice_equal(buffer_slice(&wanted), drawn))
		fail_msg("tests/golden/%s differs; drawn was:\n%.*s", file_name, SLICE_ARG(drawn));
	buffer_stop(&wanted);
}

/* ---- scenes ---- */

struct stage {
	struct scene scene;
	struct json *hello, *status, *plan;
};

static struct stage *open_stage(const char *hello, const char *status, const char *domains)
{
	struct stage *stage = mem_new(sizeof *stage);
	struct domain_rows none;
	struct json *page;

	assert_non_null(stage);
	scene_start(&stage->scene);
	stage->scene.now = now;
	stage->scene.link = CLIENT_UP;
	if (hello)
		stage->scene.hello = stage->hello = read_json(hello);
	if (status)
		stage->scene.status = stage->status = read_json(status);
	stage->scene.status_heard_ms = now.mono_ms - 500;
	if (domains) {
		domain_rows_start(&none);
		page = read_json(domains);
		assert_int_equal(domain_rows_add(&stage->scene.domains, page, page), RESULT_OK);
		assert_int_equal(domain_rows_finish(&stage->scene.domains, &none), RESULT_OK);
		stage->scene.domains_heard_ms = now.mono_ms - 500;
		scene_arrange(&stage->scene);
	}
	return stage;
}

static void close_stage(struct stage *stage)
{
	scene_stop(&stage->scene);
	json_free(&stage->hello);
	json_free(&stage->status);
	json_free(&stage->plan);
	mem_free(stage);
}

static struct stage *overview(void) { return open_stage("hello.json", "status.json", "domains.json"); }

static struct stage *domains(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_DOMAINS;
	stage->scene.table.selected = 2;
	return stage;
}

static struct stage *domains_error(void)
{
	struct stage *stage = domains();

	stage->scene.table.selected = 6;
	return stage;
}

static struct stage *overview_stopped(void) { return open_stage("hello.json", "status-stopped.json", NULL); }
static struct stage *overview_unconnected(void)
{
	struct stage *stage = open_stage(NULL, NULL, NULL);

	stage->scene.link = CLIENT_DOWN;
	stage->scene.retry_at_ms = now.mono_ms + 2000;
	stage->scene.trouble = "parleyd does not answer at /run/parley/control.sock: is it running?";
	return stage;
}

static struct stage *overview_link_lost(void)
{
	struct stage *stage = overview();

	stage->scene.link = CLIENT_DOWN;
	stage->scene.link_since_ms = now.mono_ms - 14000;
	stage->scene.status_heard_ms = now.mono_ms - 15000;
	stage->scene.retry_at_ms = now.mono_ms + 2000;
	return stage;
}

static struct stage *overview_silent(void)
{
	struct stage *stage = overview();

	stage->scene.waiting_since_ms = now.mono_ms - 8000;
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
	editor_set(&stage->scene.filter, SLICE("rule:block"));
	editor_set(&stage->scene.editor, SLICE("rule:block"));
	stage->scene.domains.rows[1].is_marked = true;
	stage->scene.table.sort = DOMAIN_RATE;
	stage->scene.table.is_reversed = true;
	scene_arrange(&stage->scene);
	return stage;
}

static struct stage *domains_empty(void)
{
	struct stage *stage = open_stage("hello.json", "status-stopped.json", NULL);

	stage->scene.screen = SCREEN_DOMAINS;
	stage->scene.domains_heard_ms = now.mono_ms - 1;
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

static struct stage *connections(void)
{
	struct stage *stage = overview();
	struct listing *list = &stage->scene.listings[SCREEN_CONNECTIONS];
	struct json *page = read_json("connections.json");

	stage->scene.screen = SCREEN_CONNECTIONS;
	assert_int_equal(listing_add_page(list, page, page), RESULT_OK);
	list->heard_ms = now.mono_ms - 500;
	listing_arrange(list, "");
	return stage;
}

static struct stage *connections_failed(void)
{
	struct stage *stage = connections();

	editor_set(&stage->scene.listings[SCREEN_CONNECTIONS].filter, SLICE("!state:up proseware"));
	scene_arrange(&stage->scene);
	return stage;
}

/* Of a partner who was refused here and refuses us, each with whose decision it was. */
static struct stage *connections_errors(void)
{
	struct stage *stage = connections();

	stage->scene.listings[SCREEN_CONNECTIONS].table.selected = 4;
	scene_settle(&stage->scene);
	return stage;
}

static struct stage *connections_hostile(void)
{
	struct stage *stage = connections();

	stage->scene.listings[SCREEN_CONNECTIONS].table.sort = 5; /* msg/s */
	stage->scene.listings[SCREEN_CONNECTIONS].table.is_reversed = true;
	listing_arrange(&stage->scene.listings[SCREEN_CONNECTIONS], "");
	stage->scene.listings[SCREEN_CONNECTIONS].table.selected = 5;
	return stage;
}

static struct stage *connections_unasked(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_CONNECTIONS;
	return stage;
}

static struct stage *discovered(void)
{
	struct stage *stage = overview();
	struct listing *list = &stage->scene.listings[SCREEN_DISCOVERED];
	struct json *page = read_json("discovered.json");

	stage->scene.screen = SCREEN_DISCOVERED;
	assert_int_equal(listing_add_page(list, page, page), RESULT_OK);
	list->heard_ms = now.mono_ms - 500;
	list->table.selected = 2;
	listing_arrange(list, "");
	return stage;
}

static struct stage *discovered_empty(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_DISCOVERED;
	stage->scene.listings[SCREEN_DISCOVERED].heard_ms = now.mono_ms;
	return stage;
}

static struct stage *events(void)
{
	struct stage *stage = overview();
	struct json *told = read_json("events.json");
	const struct json *list = json_get(told, "events");

	stage->scene.screen = SCREEN_EVENTS;
	for (size_t i = 0; i < json_count(list); i++)
		recent_take(&stage->scene.events, json_at(list, i));
	json_free(&told);
	stage->scene.events.list.heard_ms = now.mono_ms;
	recent_settle(&stage->scene.events);
	return stage;
}

static struct stage *events_paused(void)
{
	struct stage *stage = events();
	struct json *told = read_json("events.json");

	recent_follow(&stage->scene.events, false);
	recent_settle(&stage->scene.events);
	stage->scene.events.list.table.selected = 3;
	recent_pause(&stage->scene.events, true);
	recent_take(&stage->scene.events, json_at(json_get(told, "events"), 0));
	recent_take(&stage->scene.events, json_at(json_get(told, "events"), 1));
	json_free(&told);
	return stage;
}

/* ---- forms ---- */

static struct stage *form_of(enum model_kind_id kind, const char *key, const char *file)
{
	struct stage *stage = overview();
	struct editing *editing = &stage->scene.editing;
	struct json *told;

	scene_open(&stage->scene, kind == MODEL_ACCESS_EDGE ? SCREEN_ACCESS_EDGE : SCREEN_FORM);
	editing_start(editing, model_kind(kind), slice_of(key), file == NULL);
	if (!file)
		return stage;
	told = read_json(file);
	editing_fill(editing, told);
	json_free(&told);
	return stage;
}

static void type_into(struct stage *stage, const char *field, const char *value)
{
	struct editing *editing = &stage->scene.editing;

	editing->form.at = editing_field(editing, field);
	assert_true(editing->form.at < editing->form.count);
	editor_set(&editing->form.fields[editing->form.at].value, slice_of(value));
	editing_check(editing);
}

static struct stage *access_edge(void) { return form_of(MODEL_ACCESS_EDGE, "", "access-edge.json"); }

static struct stage *access_edge_changed(void)
{
	struct stage *stage = access_edge();

	type_into(stage, "max-contacts-per-discovered-partner", "many");
	type_into(stage, "enable-partner-discovery", "true");
	type_into(stage, "allow-federated-users", "false");
	return stage;
}

static struct stage *access_edge_idle(void)
{
	struct stage *stage = access_edge();

	type_into(stage, "discovered-partner-standard-rate", "30");
	return stage;
}

static struct stage *access_edge_end(void)
{
	struct stage *stage = access_edge();

	type_into(stage, "drain-timeout", "30");
	return stage;
}

static struct stage *access_edge_unheard(void)
{
	struct stage *stage = access_edge();

	stage->scene.editing.version = 0;
	return stage;
}

/* The console around the stage's scene, for what asks questions. */
static void ask(struct stage *stage, void (*question)(struct console *console))
{
	struct console *console = mem_new(sizeof *console);

	assert_non_null(console);
	changes_start(&console->agreed);
	console->scene = stage->scene;
	question(console);
	stage->scene = console->scene;
	changes_stop(&console->agreed);
	mem_free(console);
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

static struct stage *access_edge_question(void)
{
	struct stage *stage = access_edge_changed();

	type_into(stage, "max-contacts-per-discovered-partner", "2000");
	ask(stage, question_form);
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

static struct stage *why_blocked(void)
{
	struct stage *stage = overview();
	struct json *told = read_json("why.json");
	struct control_answer answer = { .whole = told, .result = told };

	scene_open(&stage->scene, SCREEN_WHY);
	why_fill(&stage->scene.why, SLICE("dan@northwind.example"), SLICE("eve@contoso.example"),
	         SLICE("presence"));
	why_take(&stage->scene.why, &answer);
	return stage;
}

/* What was not looked up is said in the answer and in its rows, and what really failed last beside it. */
static struct stage *why_assumed(void)
{
	struct stage *stage = overview();
	struct json *told = read_json("why-assumed.json");
	struct control_answer answer = { .whole = told, .result = told };

	scene_open(&stage->scene, SCREEN_WHY);
	why_fill(&stage->scene.why, SLICE("dan@tailspin.example"), SLICE("eve@contoso.example"),
	         SLICE("message"));
	why_take(&stage->scene.why, &answer);
	return stage;
}

static struct stage *why_unasked(void)
{
	struct stage *stage = overview();

	scene_open(&stage->scene, SCREEN_WHY);
	why_fill(&stage->scene.why, SLICE("dan@northwind.example"), SLICE_NONE, SLICE_NONE);
	return stage;
}

static struct stage *why_question(void)
{
	struct stage *stage = why_blocked();

	ask(stage, whys_apply);
	return stage;
}

/* ---- lists about the configuration, and of any kind ---- */

static struct stage *listed(enum screen screen, const char *file)
{
	struct stage *stage = overview();
	struct listing *list = &stage->scene.listings[screen];
	struct json *page = read_json(file);

	stage->scene.screen = screen;
	assert_int_equal(listing_add_page(list, page, page), RESULT_OK);
	list->heard_ms = now.mono_ms - 500;
	listing_arrange(list, "");
	return stage;
}

static struct stage *menu(void)
{
	struct stage *stage = connections();

	scene_open_menu(&stage->scene);
	menu_key(&stage->scene, INPUT_DOWN);
	return stage;
}

/* From the last row, which has gone out of the window at 60x16. */
static struct stage *menu_end(void)
{
	struct stage *stage = menu();

	menu_key(&stage->scene, INPUT_END);
	menu_key(&stage->scene, INPUT_DOWN);
	return stage;
}

static struct stage *xmpp(void) { return listed(SCREEN_XMPP, "xmpp.json"); }

static struct stage *xmpp_empty(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_XMPP;
	stage->scene.listings[SCREEN_XMPP].heard_ms = now.mono_ms;
	return stage;
}

static struct stage *xmpp_form(void)
{
	struct stage *stage = form_of(MODEL_XMPP_PARTNER, "jabber.adatum.example", "xmpp-form.json");

	type_into(stage, "tls-negotiation", "optional");
	return stage;
}

/* The daemon's answer to the dry run of what is asked about. */
static void answer_trial(struct console *console, enum control_code code, const char *message,
                         const char *json)
{
	struct json *said = NULL;
	struct control_answer answer = { .code = code, .message = slice_of(message) };

	assert_int_equal(json_read(slice_of(json), &said, NULL), RESULT_OK);
	answer.problems = code == CONTROL_OK ? NULL : said;
	answer.result = code == CONTROL_OK ? said : NULL;
	console->trial_id = 7;
	assert_true(trial_take(console, 7, &answer));
	json_free(&said);
}

#define NO_STREAM "no stream could be authenticated: neither SASL nor dialback is on"
#define CURE      "sasl-negotiation=required or optional, or support-dialback-negotiation=true"

static void ask_refused(struct console *console)
{
	question_form(console);
	assert_true(console->scene.dialog.is_open);
	answer_trial(console, CONTROL_INVALID,
	             "xmpp-partner jabber.adatum.example: sasl-negotiation " NO_STREAM "; allowed: " CURE,
	             "[{\"path\":\"sasl-negotiation\",\"why\":\"" NO_STREAM "\",\"allowed\":\"" CURE "\"}]");
	assert_false(console->scene.dialog.is_open);
	assert_int_equal(console->agreed.count, 0);
}

static struct stage *xmpp_form_refused(void)
{
	struct stage *stage = xmpp_form();
	const struct editing *editing = &stage->scene.editing;

	type_into(stage, "sasl-negotiation", "not-supported");
	stage->scene.editing.form.at = 0;
	ask(stage, ask_refused);
	assert_int_equal(editing->form.at, editing_field(editing, "sasl-negotiation"));
	return stage;
}

static void ask_doubtful(struct console *console)
{
	question_form(console);
	answer_trial(console, CONTROL_OK, "",
	             "{\"closing\":0,\"sentences\":[],\"warnings\":[{\"path\":\"sasl-negotiation\",\"why\":\""
	             "dialback is never used: SASL is required\",\"allowed\":\"" CURE "\"}]}");
}

static struct stage *xmpp_form_doubtful(void)
{
	struct stage *stage = xmpp_form();

	type_into(stage, "sasl-negotiation", "required");
	ask(stage, ask_doubtful);
	return stage;
}

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

static struct stage *gateway(void)
{
	struct stage *stage = form_of(MODEL_XMPP_GATEWAY, "", "xmpp-gateway.json");

	stage->scene.screen = SCREEN_GATEWAY;
	return stage;
}

static struct stage *policy(void)
{
	struct stage *stage = form_of(MODEL_ACCESS_POLICY, "Global", "policy.json");

	stage->scene.screen = SCREEN_POLICY;
	return stage;
}

static struct stage *versions(void) { return listed(SCREEN_VERSIONS, "versions.json"); }

static struct stage *audit(void) { return listed(SCREEN_AUDIT, "audit.json"); }

static struct stage *staged(void)
{
	struct stage *stage = listed(SCREEN_STAGED, "staged.json");

	stage->scene.staged = stage->scene.listings[SCREEN_STAGED].result;
	stage->plan = read_json("plan.json");
	stage->scene.plan = stage->plan;
	return stage;
}

static struct stage *services(void) { return listed(SCREEN_SERVICES, "services.json"); }

static struct stage *staged_empty(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_STAGED;
	stage->scene.listings[SCREEN_STAGED].heard_ms = now.mono_ms;
	return stage;
}

static struct stage *domains_as_of(void)
{
	struct stage *stage = domains();

	stage->scene.as_of = 112;
	return stage;
}

static struct stage *overview_unconfirmed(void)
{
	return open_stage("hello.json", "status-unconfirmed.json", "domains.json");
}

static struct stage *keys_of_access_edge(void)
{
	struct stage *stage = access_edge();

	reading_show_keys(&stage->scene);
	return stage;
}

static struct stage *going(void)
{
	struct stage *stage = overview();

	stage->scene.awaits_place = true;
	return stage;
}

static struct stage *keys_of_domains(void)
{
	struct stage *stage = domains();

	reading_show_keys(&stage->scene);
	return stage;
}

static const struct {
	const char *name;
	struct stage *(*open)(void);
	int width, height;
	bool is_utf8, has_frames;
} pictures[] = {
	{ "overview-80x24", overview, 80, 24, false, false },
	{ "overview-80x24-utf8", overview, 80, 24, true, true },
	{ "overview-120x40", overview, 120, 40, false, false },
	{ "overview-60x16", overview, 60, 16, false, false },
	{ "overview-40x10", overview, 40, 10, false, false },
	{ "overview-stopped-80x24", overview_stopped, 80, 24, false, false },
	{ "overview-unconnected-80x24", overview_unconnected, 80, 24, false, false },
	{ "overview-link-lost-80x24", overview_link_lost, 80, 24, false, false },
	{ "overview-silent-80x24", overview_silent, 80, 24, false, false },
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
	{ "connections-80x24", connections, 80, 24, false, false },
	{ "connections-120x40", connections, 120, 40, false, false },
	{ "connections-60x16", connections, 60, 16, false, false },
	{ "connections-errors-80x24", connections_errors, 80, 24, false, false },
	{ "connections-failed-80x24", connections_failed, 80, 24, false, false },
	{ "connections-hostile-80x24", connections_hostile, 80, 24, true, false },
	{ "connections-unasked-80x24", connections_unasked, 80, 24, false, false },
	{ "discovered-80x24", discovered, 80, 24, false, false },
	{ "discovered-120x40", discovered, 120, 40, false, false },
	{ "discovered-60x16", discovered, 60, 16, false, false },
	{ "discovered-empty-80x24", discovered_empty, 80, 24, false, false },
	{ "events-80x24", events, 80, 24, true, false },
	{ "events-120x40", events, 120, 40, false, false },
	{ "events-60x16", events, 60, 16, false, false },
	{ "events-paused-80x24", events_paused, 80, 24, false, false },
	{ "access-edge-80x24", access_edge, 80, 24, false, false },
	{ "access-edge-120x40", access_edge, 120, 40, false, false },
	{ "access-edge-60x16", access_edge, 60, 16, false, false },
	{ "access-edge-changed-80x24", access_edge_changed, 80, 24, false, false },
	{ "access-edge-changed-120x40", access_edge_changed, 120, 40, false, false },
	{ "access-edge-changed-60x16", access_edge_changed, 60, 16, false, false },
	{ "access-edge-idle-80x24", access_edge_idle, 80, 24, false, false },
	{ "access-edge-end-80x24", access_edge_end, 80, 24, false, false },
	{ "access-edge-unheard-80x24", access_edge_unheard, 80, 24, false, false },
	{ "access-edge-question-80x24", access_edge_question, 80, 24, false, false },
	{ "access-edge-question-60x16", access_edge_question, 60, 16, false, false },
	{ "domain-form-80x24", domain_form, 80, 24, false, false },
	{ "domain-form-120x40", domain_form, 120, 40, false, false },
	{ "domain-form-60x16", domain_form, 60, 16, false, false },
	{ "domain-form-meanwhile-80x24", domain_form_meanwhile, 80, 24, false, false },
	{ "domain-new-80x24", domain_new, 80, 24, false, false },
	{ "why-80x24", why_blocked, 80, 24, false, false },
	{ "why-120x40", why_blocked, 120, 40, false, false },
	{ "why-60x16", why_blocked, 60, 16, false, false },
	{ "domains-error-80x24", domains_error, 80, 24, false, false },
	{ "domains-allowed-already-80x24", domains_allowed_already, 80, 24, false, false },
	{ "why-assumed-80x24", why_assumed, 80, 24, false, false },
	{ "why-assumed-120x40", why_assumed, 120, 40, false, false },
	{ "why-unasked-80x24", why_unasked, 80, 24, false, false },
	{ "why-question-80x24", why_question, 80, 24, false, false },
	{ "keys-form-80x24", keys_of_access_edge, 80, 24, false, false },
	{ "going-80x24", going, 80, 24, false, false },
	{ "menu-80x24", menu, 80, 24, false, false },
	{ "menu-120x40", menu, 120, 40, false, false },
	{ "menu-end-60x16", menu_end, 60, 16, false, false },
	{ "xmpp-80x24", xmpp, 80, 24, false, false },
	{ "xmpp-120x40", xmpp, 120, 40, false, false },
	{ "xmpp-60x16", xmpp, 60, 16, false, false },
	{ "xmpp-empty-80x24", xmpp_empty, 80, 24, false, false },
	{ "xmpp-form-80x24", xmpp_form, 80, 24, false, false },
	{ "xmpp-form-120x40", xmpp_form, 120, 40, false, false },
	{ "xmpp-form-60x16", xmpp_form, 60, 16, false, false },
	{ "xmpp-form-refused-80x24", xmpp_form_refused, 80, 24, false, false },
	{ "xmpp-form-doubtful-80x24", xmpp_form_doubtful, 80, 24, false, false },
	{ "domains-refused-80x24", domains_refused, 80, 24, false, false },
	{ "gateway-80x24", gateway, 80, 24, false, false },
	{ "gateway-120x40", gateway, 120, 40, false, false },
	{ "gateway-60x16", gateway, 60, 16, false, false },
	{ "policy-80x24", policy, 80, 24, false, false },
	{ "policy-120x40", policy, 120, 40, false, false },
	{ "policy-60x16", policy, 60, 16, false, false },
	{ "versions-80x24", versions, 80, 24, false, false },
	{ "versions-120x40", versions, 120, 40, false, false },
	{ "versions-60x16", versions, 60, 16, false, false },
	{ "audit-80x24", audit, 80, 24, false, false },
	{ "audit-120x40", audit, 120, 40, false, false },
	{ "audit-60x16", audit, 60, 16, false, false },
	{ "staged-80x24", staged, 80, 24, false, false },
	{ "staged-120x40", staged, 120, 40, false, false },
	{ "staged-60x16", staged, 60, 16, false, false },
	{ "services-80x24", services, 80, 24, false, false },
	{ "services-120x40", services, 120, 40, false, false },
	{ "services-60x16", services, 60, 16, false, false },
	{ "staged-empty-80x24", staged_empty, 80, 24, false, false },
	{ "domains-as-of-80x24", domains_as_of, 80, 24, false, false },
	{ "overview-unconfirmed-80x24", overview_unconfirmed, 80, 24, false, false },
	{ "keys-80x24", keys_of_domains, 80, 24, false, false },
};

/* The hardware cursor is what a braille display follows. */
static void check_cursor(const struct stage *stage, const struct grid *grid)
{
	const struct scene *scene = &stage->scene;
	uint32_t at = grid->cells[(size_t)grid->cursor_y * (size_t)grid->width + (size_t)grid->cursor_x].c;
	bool has_rows = scene->screen == SCREEN_OVERVIEW ? scene_attention_count(scene) > 0
	                : scene_listing(scene)           ? scene_listing(scene)->shown > 0
	                                       : scene->screen == SCREEN_DOMAINS && scene->domains.shown > 0;

	if (has_rows && !scene->dialog.is_open && scene->prompt == PROMPT_NONE &&
	    grid->height >= SCENE_HEIGHT_MIN)
		assert_int_equal(at, '>');
}

static void screens_look_as_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pictures); i++) {
		struct stage *stage = pictures[i].open();
		struct grid grid;
		struct buffer out;

		print_message("  %s\n", pictures[i].name);
		assert_true(grid_start(&grid, pictures[i].width, pictures[i].height,
		                       (struct grid_looks){ pictures[i].is_utf8, pictures[i].has_frames }));
		scene_draw(&stage->scene, &grid);
		check_cursor(stage, &grid);
		buffer_start(&out, FILE_MAX);
		grid_dump(&grid, &out);
		buffer_printf(&out, "---- cursor %d %d\n", grid.cursor_x, grid.cursor_y);
		grid_dump_roles(&grid, &out);
		compare(pictures[i].name, buffer_slice(&out));
		buffer_stop(&out);
		grid_stop(&grid);
		close_stage(stage);
	}
}

/* No byte of any drawn character is a control, whatever the daemon sent; every size is survived. */
static void every_size_is_drawn_without_control_characters(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pictures); i++) {
		for (int width = 1; width <= 140; width += 9) {
			for (int height = 1; height <= 50; height += 7) {
				struct stage *stage = pictures[i].open();
				struct grid grid;

				assert_true(grid_start(&grid, width, height,
				                       (struct grid_looks){ pictures[i].is_utf8, false }));
				scene_draw(&stage->scene, &grid);
				for (int c = 0; c < width * height; c++) {
					uint32_t shown = grid.cells[c].c;

					assert_true(shown == 0 || (shown >= 0x20 && shown != 0x7f &&
					                           (shown < 0x80 || shown >= 0xa0)));
					assert_true(pictures[i].is_utf8 || shown < 0x80);
				}
				grid_stop(&grid);
				close_stage(stage);
			}
		}
	}
}

/* Something counts down on it: seconds are shown, and seconds pass. */
static bool counts_down(const struct scene *scene)
{
	return scene_number(scene->status, "confirm_version") || scene->screen == SCREEN_SERVICES;
}

/* Drawing twice gives the same cells: nothing would be sent. */
static void drawing_again_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pictures); i++) {
		struct stage *stage = pictures[i].open();
		struct grid first, second;
		struct grid_looks looks = { pictures[i].is_utf8, pictures[i].has_frames };

		assert_true(grid_start(&first, pictures[i].width, pictures[i].height, looks));
		assert_true(grid_start(&second, pictures[i].width, pictures[i].height, looks));
		scene_draw(&stage->scene, &first);
		stage->scene.now.mono_ms += 900; /* less than a second, less than a minute */
		stage->scene.now.wall_ms += 900;
		if (stage->scene.link == CLIENT_UP && !stage->scene.saving[0] &&
		    stage->scene.waiting_since_ms < 0 && !counts_down(&stage->scene)) {
			scene_draw(&stage->scene, &second);
			assert_memory_equal(first.cells, second.cells,
			                    (size_t)first.width * (size_t)first.height * sizeof *first.cells);
		}
		grid_stop(&first);
		grid_stop(&second);
		close_stage(stage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(screens_look_as_kept),
		cmocka_unit_test(every_size_is_drawn_without_control_characters),
		cmocka_unit_test(drawing_again_changes_nothing),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
