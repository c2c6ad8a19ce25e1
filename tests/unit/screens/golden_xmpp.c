/* XMPP partners and SIP federated providers: lists made from the model's rows, and its form. */
#include "tests/unit/screens/pictures.h"

static struct stage *xmpp(void) { return listed(SCREEN_XMPP, "xmpp.json"); }

static struct stage *providers(void) { return listed(SCREEN_PROVIDERS, "providers.json"); }

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

static const struct picture pictures[] = {
	{ "xmpp-80x24", xmpp, 80, 24, false, false },
	{ "xmpp-120x40", xmpp, 120, 40, false, false },
	{ "xmpp-60x16", xmpp, 60, 16, false, false },
	{ "providers-80x24", providers, 80, 24, false, false },
	{ "providers-120x40", providers, 120, 40, false, false },
	{ "providers-60x16", providers, 60, 16, false, false },
	{ "xmpp-empty-80x24", xmpp_empty, 80, 24, false, false },
	{ "xmpp-form-80x24", xmpp_form, 80, 24, false, false },
	{ "xmpp-form-120x40", xmpp_form, 120, 40, false, false },
	{ "xmpp-form-60x16", xmpp_form, 60, 16, false, false },
	{ "xmpp-form-refused-80x24", xmpp_form_refused, 80, 24, false, false },
	{ "xmpp-form-doubtful-80x24", xmpp_form_doubtful, 80, 24, false, false },
};

int main(void) { return pictures_main(pictures, COUNT(pictures)); }
