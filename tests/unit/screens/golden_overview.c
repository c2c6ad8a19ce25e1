/* The overview, and what leads from screen to screen. */
#include "tests/unit/screens/pictures.h"

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

static struct stage *overview_unconfirmed(void)
{
	return open_stage("hello.json", "status-unconfirmed.json", "domains.json");
}

static struct stage *going(void)
{
	struct stage *stage = overview();

	stage->scene.awaits_place = true;
	return stage;
}

static struct stage *overview_bare(void)
{
	struct stage *stage = overview();

	stage->scene.is_bare = true;
	return stage;
}

static const struct picture pictures[] = {
	{ "overview-80x24", overview, 80, 24, false, false },
	{ "overview-80x24-utf8", overview, 80, 24, true, true },
	{ "overview-120x40", overview, 120, 40, false, false },
	{ "overview-60x16", overview, 60, 16, false, false },
	{ "overview-40x10", overview, 40, 10, false, false },
	{ "overview-stopped-80x24", overview_stopped, 80, 24, false, false },
	{ "overview-unconnected-80x24", overview_unconnected, 80, 24, false, false },
	{ "overview-link-lost-80x24", overview_link_lost, 80, 24, false, false },
	{ "overview-silent-80x24", overview_silent, 80, 24, false, false },
	{ "overview-bare-80x24", overview_bare, 80, 24, true, true },
	{ "overview-bare-120x40", overview_bare, 120, 40, true, true },
	{ "going-80x24", going, 80, 24, false, false },
	{ "overview-unconfirmed-80x24", overview_unconfirmed, 80, 24, false, false },
};

int main(void) { return pictures_main(pictures, COUNT(pictures)); }
