/* Forms of what there is one of. */
#include "tests/unit/screens/pictures.h"

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

static struct stage *access_edge_question(void)
{
	struct stage *stage = access_edge_changed();

	type_into(stage, "max-contacts-per-discovered-partner", "2000");
	ask(stage, question_form);
	return stage;
}

static struct stage *gateway(void)
{
	struct stage *stage = form_of(MODEL_XMPP_GATEWAY, "", "xmpp-gateway.json");

	stage->scene.screen = SCREEN_GATEWAY;
	return stage;
}

static struct stage *policy(void) { return form_of(MODEL_ACCESS_POLICY, "Global", "policy.json"); }

static struct stage *keys_of_access_edge(void)
{
	struct stage *stage = access_edge();

	reading_show_keys(&stage->scene);
	return stage;
}

static const struct picture pictures[] = {
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
	{ "keys-form-80x24", keys_of_access_edge, 80, 24, false, false },
	{ "gateway-80x24", gateway, 80, 24, false, false },
	{ "gateway-120x40", gateway, 120, 40, false, false },
	{ "gateway-60x16", gateway, 60, 16, false, false },
	{ "policy-80x24", policy, 80, 24, false, false },
	{ "policy-120x40", policy, 120, 40, false, false },
	{ "policy-60x16", policy, 60, 16, false, false },
};

int main(void) { return pictures_main(pictures, COUNT(pictures)); }
