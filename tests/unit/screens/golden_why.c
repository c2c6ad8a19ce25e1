/* Why blocked. */
#include "tests/unit/screens/pictures.h"

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

static const struct picture pictures[] = {
	{ "why-80x24", why_blocked, 80, 24, false, false },
	{ "why-120x40", why_blocked, 120, 40, false, false },
	{ "why-60x16", why_blocked, 60, 16, false, false },
	{ "why-assumed-80x24", why_assumed, 80, 24, false, false },
	{ "why-assumed-120x40", why_assumed, 120, 40, false, false },
	{ "why-unasked-80x24", why_unasked, 80, 24, false, false },
	{ "why-question-80x24", why_question, 80, 24, false, false },
};

int main(void) { return pictures_main(pictures, COUNT(pictures)); }
