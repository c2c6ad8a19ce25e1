/* Versions, the audit, what is staged. */
#include "tests/unit/screens/pictures.h"

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

static struct stage *staged_empty(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_STAGED;
	stage->scene.listings[SCREEN_STAGED].heard_ms = now.mono_ms;
	return stage;
}

static const struct picture pictures[] = {
	{ "versions-80x24", versions, 80, 24, false, false },
	{ "versions-120x40", versions, 120, 40, false, false },
	{ "versions-60x16", versions, 60, 16, false, false },
	{ "audit-80x24", audit, 80, 24, false, false },
	{ "audit-120x40", audit, 120, 40, false, false },
	{ "audit-60x16", audit, 60, 16, false, false },
	{ "staged-80x24", staged, 80, 24, false, false },
	{ "staged-120x40", staged, 120, 40, false, false },
	{ "staged-60x16", staged, 60, 16, false, false },
	{ "staged-empty-80x24", staged_empty, 80, 24, false, false },
};

int main(void) { return pictures_main(pictures, COUNT(pictures)); }
