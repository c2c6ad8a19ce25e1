/* Which member of our pools is near to what comes in. */
#include "tests/unit/policy/table.h"

#define OSLO                                                                                                 \
	"site=Oslo pool=oslo.contoso.example,site=Oslo member=o1.contoso.example,pool=oslo.contoso.example "
#define ROME                                                                                                 \
	"site=Rome pool=rome.contoso.example,site=Rome member=r1.contoso.example,pool=rome.contoso.example "
#define PLAIN "member=p1.contoso.example "
#define EDGE  "edge=e1.contoso.example,edge-pool=ep.contoso.example edge-pool=ep.contoso.example,"

enum { NEVER = POLICY_RANK_NEVER, MEMBERS = 3 };

static const struct {
	const char *behaviour, *world, *site;
	unsigned ranks[MEMBERS]; /* of o1, p1, r1, where the world has them */
} cases[] = {
	{ "without_pools_all_are_alike", PLAIN, "", { NEVER, 1, NEVER } },
	{ "the_sites_own_before_those_of_none", OSLO ROME PLAIN, "Oslo", { 0, 1, NEVER } },
	{ "a_site_without_a_pool_has_those_of_none", OSLO PLAIN, "Rome", { NEVER, 1, NEVER } },
	{ "a_user_at_no_site_has_those_of_none", OSLO ROME PLAIN, "", { NEVER, 1, NEVER } },
	{ "where_neither_is_all_may_have_it", OSLO ROME, "", { 0, NEVER, 0 } },
	{ "a_site_without_a_pool_goes_to_all_where_none_is_free", OSLO, "Rome", { 0, NEVER, NEVER } },
	{ "a_next_hop_takes_all_of_it",
	  OSLO ROME PLAIN EDGE "next-hop-pool=rome.contoso.example",
	  "Oslo",
	  { NEVER, NEVER, 0 } },
	{ "an_edge_pool_without_a_next_hop_changes_nothing",
	  OSLO ROME PLAIN EDGE "site=Rome",
	  "Oslo",
	  { 0, 1, NEVER } },
};

static void a_member_is_as_near_as_its_row_says(void **state)
{
	static const char *const names[MEMBERS] = { "o1.contoso.example", "p1.contoso.example",
		                                    "r1.contoso.example" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct model_snapshot *snapshot = world_new(slice_of(cases[i].world));
		struct policy_image *image = world_image(snapshot, 1);
		struct policy_way way = policy_way_of(image, SLICE("e1.contoso.example"),
		                                      slice_of(cases[i].site));

		print_message("  %s\n", cases[i].behaviour);
		for (size_t m = 0; m < MEMBERS; m++) {
			const struct image_pool_member *member = image_pool_member_find(image,
			                                                                slice_of(names[m]));

			if (member)
				assert_int_equal(policy_member_rank(image, &way, member), cases[i].ranks[m]);
			else
				assert_int_equal(cases[i].ranks[m], NEVER);
		}
		policy_image_close(&image);
		model_snapshot_free(&snapshot);
	}
}

static void a_user_is_where_his_entry_says_or_his_domain(void **state)
{
	static const struct {
		const char *user, *domain, *site;
	} rows[] = { { "alice", "contoso.example", "Rome" },
		     { "ALICE", "contoso.example", "Rome" },
		     { "bob", "contoso.example", "Oslo" },
		     { "", "contoso.example", "Oslo" },
		     { "carol", "other.example", "" } };
	struct model_snapshot *snapshot = world_new(
	        SLICE("own=contoso.example own=other.example site=Oslo,sip-domains=contoso.example site=Rome "
	              "user=alice@contoso.example,site=Rome user=bob@contoso.example"));
	struct policy_image *image = world_image(snapshot, 1);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_true(
		        slice_equal(policy_site_of(image, slice_of(rows[i].user), slice_of(rows[i].domain)),
		                    slice_of(rows[i].site)));
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_member_is_as_near_as_its_row_says),
		cmocka_unit_test(a_user_is_where_his_entry_says_or_his_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
