/*
 * What one decision costs: policy_decide over an image of RULES allowed and as many blocked domains (100,000 unless
 * given) and as many users of ours, each with a policy granted or a site of his own; asked about all of them in an order
 * that no cache foresees.  The limit is a microsecond.
 *
 *   policy_decide [RULES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/policy/policy.h"
#include "shared/base/memory.h"

enum { NAME_BYTES = 48, DECISIONS = 1 << 18, ROUNDS = 5, LIMIT_NS = 1000, POLICIES = 20, USER_BYTES = 32 };

enum ask { ASK_ALLOWED, ASK_BLOCKED, ASK_UNLISTED, ASK_KINDS };
static const char *const words[ASK_KINDS] = { "allowed", "blocked", "unlisted" };

/* Of this process: what others do on the machine is not what a decision costs. */
static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool add_domain(struct model_snapshot *snapshot, enum model_kind_id kind, enum ask ask, size_t number)
{
	struct model_object *object = model_object_new(&snapshot->arena, model_kind(kind));
	char name[NAME_BYTES];

	if (!object)
		return false;
	snprintf(name, sizeof name, "%s-%07zu.example", words[ask], number);
	object->values[object->kind->key].text = arena_copy(&snapshot->arena, slice_of(name));
	return object->values[object->kind->key].text.ptr &&
	       model_snapshot_add(snapshot, object) == RESULT_OK;
}

static bool set_text(struct model_snapshot *snapshot, struct slice *member, const char *name, size_t number)
{
	char text[NAME_BYTES];

	snprintf(text, sizeof text, "%s-%zu", name, number);
	*member = arena_copy(&snapshot->arena, slice_of(text));
	return member->ptr != NULL;
}

static bool add_policy(struct model_snapshot *snapshot, const char *name, size_t number)
{
	struct model_object *policy = model_object_new(&snapshot->arena, model_kind(MODEL_ACCESS_POLICY));

	return policy && set_text(snapshot, &policy->values[policy->kind->key].text, name, number) &&
	       model_snapshot_add(snapshot, policy) == RESULT_OK;
}

/* Every second has a policy of his own, the others that of their site. */
static bool add_user(struct model_snapshot *snapshot, size_t number)
{
	struct model_object *user = model_object_new(&snapshot->arena, model_kind(MODEL_USER));
	char address[NAME_BYTES];

	if (!user)
		return false;
	snprintf(address, sizeof address, "user-%07zu@contoso.example", number);
	user->values[user->kind->key].text = arena_copy(&snapshot->arena, slice_of(address));
	return user->values[user->kind->key].text.ptr &&
	       (number % 2 ? set_text(snapshot, &user->values[MODEL_FIELD(user, policy)].text, "Policy",
	                              number % POLICIES)
	                   : set_text(snapshot, &user->values[MODEL_FIELD(user, site)].text, "Site",
	                              number % POLICIES)) &&
	       model_snapshot_add(snapshot, user) == RESULT_OK;
}

static struct model_snapshot *make_snapshot(size_t rules)
{
	struct model_snapshot *snapshot = model_snapshot_new();
	bool is_whole = snapshot != NULL;

	if (is_whole) {
		struct model_object *topology = model_snapshot_one(snapshot, MODEL_TOPOLOGY);
		size_t own = MODEL_FIELD(topology, sip_domains);

		model_snapshot_one(snapshot, MODEL_ACCESS_EDGE)
		        ->values[MODEL_FIELD(access_edge, allow_federated_users)]
		        .flag = true;
		is_whole = model_value_read(&topology->kind->fields[own], SLICE("contoso.example"),
		                            &snapshot->arena, &topology->values[own], NULL) == RESULT_OK;
	}
	for (size_t i = 0; is_whole && i < POLICIES; i++)
		is_whole = add_policy(snapshot, "Policy", i) &&
		           add_policy(snapshot, MODEL_POLICY_SITE "Site", i);
	for (size_t i = 0; is_whole && i < rules; i++)
		is_whole = add_domain(snapshot, MODEL_ALLOWED_DOMAIN, ASK_ALLOWED, i) &&
		           add_domain(snapshot, MODEL_BLOCKED_DOMAIN, ASK_BLOCKED, i) &&
		           add_user(snapshot, i);
	if (!is_whole)
		model_snapshot_free(&snapshot);
	return snapshot;
}

/* The same order every time: xorshift, Marsaglia 2003. */
static void choose_hosts(char (*hosts)[NAME_BYTES], char (*users)[USER_BYTES], enum ask ask, size_t rules)
{
	uint64_t random = UINT64_C(88172645463325252);

	for (size_t i = 0; i < DECISIONS; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		snprintf(hosts[i], NAME_BYTES, "sip.%s-%07zu.example", words[ask], (size_t)(random % rules));
		snprintf(users[i], USER_BYTES, "user-%07zu", (size_t)((random >> 20) % rules));
	}
}

/* Nanoseconds a decision; `*passed` counts those that passed. */
static double one_round(const struct policy_image *image, char (*hosts)[NAME_BYTES],
                        char (*users)[USER_BYTES], size_t *passed)
{
	double start = now_ns();

	for (size_t i = 0; i < DECISIONS; i++) {
		struct slice host = slice_of(hosts[i]);
		struct policy_facts facts = { .remote_domain = slice_after(host, 4),
			                      .local_domain = SLICE("contoso.example"),
			                      .local_user = slice_of(users[i]),
			                      .is_connected = true,
			                      .has_certificate = true,
			                      .certificate_dns = &host,
			                      .certificate_dns_count = 1,
			                      .srv = POLICY_SRV_FOUND,
			                      .srv_route = POLICY_ROUTE_SRV_FEDERATION,
			                      .srv_targets = &host,
			                      .srv_target_count = 1 };
		struct policy_verdict verdict;

		policy_decide(image, &facts, &verdict, NULL);
		*passed += verdict.answer == POLICY_PASS;
	}
	return (now_ns() - start) / DECISIONS;
}

static bool measure(const struct policy_image *image, char (*hosts)[NAME_BYTES], char (*users)[USER_BYTES],
                    enum ask ask, size_t rules)
{
	double each[ROUNDS];

	choose_hosts(hosts, users, ask, rules);
	for (int round = 0; round < ROUNDS; round++) {
		size_t passed = 0;

		each[round] = one_round(image, hosts, users, &passed);
		if (passed != (ask == ASK_ALLOWED ? DECISIONS : 0)) {
			fprintf(stderr, "policy_decide: %zu of %d %s domains passed\n", passed, DECISIONS,
			        words[ask]);
			return false;
		}
	}
	qsort(each, ROUNDS, sizeof *each, compare);
	/* The first asked about is the figure; the others beside it. */
	printf("{\"name\": \"policy.decide_ns%s%s\", \"ours\": %.0f, \"limit\": %d, \"unit\": \"ns, %zu "
	       "rules and %zu users\"}\n",
	       ask == ASK_ALLOWED ? "" : ".", ask == ASK_ALLOWED ? "" : words[ask], each[ROUNDS / 2],
	       LIMIT_NS, 2 * rules, rules);
	return true;
}

static struct policy_image *make_image(const struct model_snapshot *snapshot)
{
	struct policy_image *image = NULL;
	struct reason reason = { "" };
	int fd = -1;

	if (policy_image_build(snapshot, 1, &fd, &reason) != RESULT_OK ||
	    policy_image_open(fd, &image, &reason) != RESULT_OK)
		fprintf(stderr, "policy_decide: %s\n", reason.text);
	if (fd >= 0)
		close(fd);
	return image;
}

int main(int count, char **arguments)
{
	uint64_t rules = 100000;
	bool is_number = count < 2 || slice_to_number(slice_of(arguments[1]), 4000000, &rules);
	struct model_snapshot *snapshot = is_number && rules ? make_snapshot(rules) : NULL;
	struct policy_image *image = snapshot ? make_image(snapshot) : NULL;
	char(*hosts)[NAME_BYTES] = mem_new_array(DECISIONS, sizeof *hosts);
	char(*users)[USER_BYTES] = mem_new_array(DECISIONS, sizeof *users);
	bool is_fine = image && hosts && users;

	for (int ask = 0; is_fine && ask < ASK_KINDS; ask++)
		is_fine = measure(image, hosts, users, (enum ask)ask, rules);
	if (is_fine)
		printf("{\"name\": \"policy.image_mib\", \"ours\": %.1f, \"unit\": \"MiB, %zu rules and %llu "
		       "users\"}\n",
		       (double)policy_image_bytes(image) / (1024 * 1024), (size_t)(2 * rules),
		       (unsigned long long)rules);
	mem_free(users);
	mem_free(hosts);
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
	return is_fine ? 0 : 1;
}
