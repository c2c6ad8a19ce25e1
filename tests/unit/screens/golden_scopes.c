/* Access policies, users and sites: what is for whom. */
#include "tests/unit/screens/pictures.h"

static struct stage *policies(void)
{
	struct stage *stage = listed(SCREEN_POLICIES, "policies.json");

	stage->scene.listings[SCREEN_POLICIES].table.selected = 2;
	scene_settle(&stage->scene);
	return stage;
}

static struct stage *policies_of_site(void)
{
	struct stage *stage = policies();

	stage->scene.listings[SCREEN_POLICIES].table.selected = 3;
	scene_settle(&stage->scene);
	return stage;
}

/* In the middle of many: pages before it and after it are the daemon's. */
static struct stage *users(void)
{
	struct stage *stage = listed(SCREEN_USERS, "users.json");
	struct listing *list = &stage->scene.listings[SCREEN_USERS];

	list->window.turn = LISTING_ON;
	snprintf(list->window.next, sizeof list->window.next, "aaron@contoso.example");
	listing_turned(list, LISTING_ON, SLICE("eve@emea.contoso.example"));
	list->table.selected = 1;
	scene_settle(&stage->scene);
	return stage;
}

static struct stage *users_empty(void)
{
	struct stage *stage = overview();

	stage->scene.screen = SCREEN_USERS;
	stage->scene.listings[SCREEN_USERS].heard_ms = now.mono_ms;
	return stage;
}

/* To whom is said above; which policy is chosen below. */
static struct stage *grant(void)
{
	struct stage *stage = users();
	struct listing *list = &stage->scene.listings[SCREEN_GRANT];
	struct json *page = read_json("policies.json");

	scene_open(&stage->scene, SCREEN_GRANT);
	buffer_add(&stage->scene.granting, SLICE("bob@contoso.example"));
	assert_int_equal(listing_add_page(list, page, page), RESULT_OK);
	list->heard_ms = now.mono_ms - 500;
	listing_arrange(list, "");
	return stage;
}

static struct stage *grant_question(void)
{
	struct stage *stage = grant();

	ask(stage, grants_choose);
	return stage;
}

static struct stage *topology(void)
{
	struct stage *stage = listed(SCREEN_TOPOLOGY, "topology.json");

	stage->scene.listings[SCREEN_TOPOLOGY].table.selected = 2;
	scene_settle(&stage->scene);
	return stage;
}

static struct stage *sites(void) { return listed(SCREEN_SITES, "sites.json"); }

static const struct picture pictures[] = {
	{ "policies-80x24", policies, 80, 24, false, false },
	{ "policies-120x40", policies, 120, 40, false, false },
	{ "policies-60x16", policies, 60, 16, false, false },
	{ "policies-of-site-80x24", policies_of_site, 80, 24, false, false },
	{ "users-80x24", users, 80, 24, true, false },
	{ "users-120x40", users, 120, 40, true, false },
	{ "users-60x16", users, 60, 16, false, false },
	{ "users-empty-80x24", users_empty, 80, 24, false, false },
	{ "grant-80x24", grant, 80, 24, false, false },
	{ "grant-120x40", grant, 120, 40, false, false },
	{ "grant-60x16", grant, 60, 16, false, false },
	{ "grant-question-80x24", grant_question, 80, 24, false, false },
	{ "topology-80x24", topology, 80, 24, false, false },
	{ "topology-120x40", topology, 120, 40, false, false },
	{ "topology-60x16", topology, 60, 16, false, false },
	{ "sites-80x24", sites, 80, 24, false, false },
	{ "sites-120x40", sites, 120, 40, false, false },
	{ "sites-60x16", sites, 60, 16, false, false },
};

int main(void) { return pictures_main(pictures, COUNT(pictures)); }
