/* Images: what was written is read, and what was tampered with is refused or at least never read outside. */
#include "daemon/policy/image_layout.h"
#include "shared/base/memory.h"
#include "tests/unit/policy/walk.h"
#include "tests/unit/policy/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { MANY = 100000 };

static void add_edge(struct model_snapshot *snapshot, struct slice name)
{
	struct model_object *edge = world_object(snapshot, MODEL_EDGE, name);

	assert_true(
	        world_set(snapshot, edge, SLICE("external-listen"), SLICE("192.0.2.1 [2001:db8::1]:5061")));
	assert_true(world_set(snapshot, edge, SLICE("external-fqdn"), SLICE("sip.contoso.example")));
	assert_true(world_set(snapshot, edge, SLICE("internal-listen"), SLICE("10.0.0.1")));
	assert_true(world_set(snapshot, edge, SLICE("internal-transport"), SLICE("tcp")));
	assert_true(world_set(snapshot, edge, SLICE("external-port"), SLICE("5062")));
}

/* Something of every kind and type. */
static struct model_snapshot *everything(void)
{
	struct model_snapshot *snapshot = world_new(
	        SLICE("on media own=contoso.example own=contoso-sales.example "
	              "allow=fabrikam.example,proxy=sip.fabrikam.example,identity=domain "
	              "allow=northwind.example block=evil.example"));

	add_edge(snapshot, SLICE("edge1.contoso.example"));
	add_edge(snapshot, SLICE("edge2.contoso.example"));
	world_object(snapshot, MODEL_POOL_MEMBER, SLICE("pool.contoso.example"));
	assert_true(world_set(snapshot, world_object(snapshot, MODEL_XMPP_PARTNER, SLICE("xmpp.example")),
	                      SLICE("additional-domains"), SLICE("chat.example talk.example")));
	world_object(snapshot, MODEL_XMPP_PARTNER, SLICE("other.example"));
	assert_true(world_set(snapshot, model_snapshot_one(snapshot, MODEL_TOPOLOGY),
	                      SLICE("permitted-targets"), SLICE("10.0.0.0/8 192.168.0.0/16")));
	return snapshot;
}

static void assert_member(const struct policy_image *image, const struct model_field *field,
                          const struct model_value *value, const char *member)
{
	uint64_t number;
	struct image_text text;
	struct image_list list;

	memcpy(&number, member, sizeof number);
	memcpy(&text, member, sizeof text);
	memcpy(&list, member, sizeof list);
	if (field->type == MODEL_BOOL) {
		assert_int_equal(number, value->flag);
	} else if (field->type < MODEL_TEXT) {
		assert_int_equal(number, value->number);
	} else if (!model_type_is_list(field->type)) {
		assert_true(slice_equal(policy_image_text(image, text), value->text));
	} else {
		assert_int_equal(list.count, value->list.count);
		for (size_t i = 0; i < list.count; i++)
			assert_true(slice_equal(policy_image_item(image, list, i), value->list.items[i]));
		assert_null(policy_image_item(image, list, list.count).ptr);
	}
}

static void reads_every_value_that_was_written(void **state)
{
	struct model_snapshot *snapshot = everything();
	struct policy_image *image = world_image(snapshot, 42);

	(void)state;
	assert_int_equal(policy_image_generation(image), 42);
	for (int k = 0; k < MODEL_KIND_COUNT; k++) {
		const struct model_kind *kind = model_kind((enum model_kind_id)k);

		assert_int_equal(policy_image_count(image, kind->id), snapshot->kinds[k].count);
		for (size_t i = 0; i < snapshot->kinds[k].count; i++) {
			const struct model_object *object = snapshot->kinds[k].items[i];
			const char *record = policy_image_at(image, kind->id, i);

			assert_ptr_equal(policy_image_find(image, kind->id, model_object_key(object)),
			                 record);
			for (size_t f = 0; f < kind->field_count; f++)
				assert_member(image, &kind->fields[f], &object->values[f], record + 8 * f);
		}
	}
	walk_image(image);
	policy_image_close(&image);
	assert_null(image);
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
}

static void structs_read_what_the_rows_say(void **state)
{
	struct model_snapshot *snapshot = everything();
	struct policy_image *image = world_image(snapshot, 1);
	const struct image_allowed_domain *allowed = image_allowed_domain_find(image,
	                                                                       SLICE("fabrikam.example"));
	const struct image_edge *edge = policy_image_edge(image, SLICE("edge2.contoso.example"));

	(void)state;
	assert_non_null(allowed);
	assert_true(
	        slice_equal(policy_image_text(image, allowed->proxy_fqdn), SLICE("sip.fabrikam.example")));
	assert_int_equal(allowed->proxy_port, 5061);
	assert_int_equal(allowed->identity, 2);
	assert_int_equal(image_access_edge_at(image, 0)->allow_federated_users, true);
	assert_non_null(edge);
	assert_int_equal(edge->external_port, 5062);
	assert_true(
	        slice_equal(policy_image_item(image, edge->external_listen, 1), SLICE("[2001:db8::1]:5061")));
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
}

static void finds_the_edge_by_its_name_or_because_it_is_alone(void **state)
{
	struct model_snapshot *snapshot = world_new(SLICE("on"));
	struct policy_image *image = world_image(snapshot, 1);

	(void)state;
	assert_null(policy_image_edge(image, SLICE("")));
	policy_image_close(&image);
	add_edge(snapshot, SLICE("edge1.contoso.example"));
	image = world_image(snapshot, 2);
	assert_non_null(policy_image_edge(image, SLICE("")));
	assert_non_null(policy_image_edge(image, SLICE("edge1.contoso.example")));
	assert_null(policy_image_edge(image, SLICE("edge2.contoso.example")));
	policy_image_close(&image);
	add_edge(snapshot, SLICE("edge2.contoso.example"));
	image = world_image(snapshot, 3);
	assert_null(policy_image_edge(image, SLICE("")));
	assert_non_null(policy_image_edge(image, SLICE("edge2.contoso.example")));
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
}

static void knows_all_of_64_own_domains_and_no_other(void **state)
{
	struct model_snapshot *snapshot = world_new(SLICE("on own=d0.example"));
	char name[64];

	(void)state;
	for (int i = 1; i < MODEL_LIST_MAX; i++) {
		snprintf(name, sizeof name, "d%d.example", i);
		world_own(snapshot, slice_of(name));
	}

	struct policy_image *image = world_image(snapshot, 1);

	for (int i = 0; i < 2 * MODEL_LIST_MAX; i++) {
		snprintf(name, sizeof name, "d%d.example", i);
		assert_int_equal(policy_image_is_own_domain(image, slice_of(name)), i < MODEL_LIST_MAX);
	}
	assert_false(policy_image_is_own_domain(image, SLICE("")));
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
}

static void finds_each_of_100000_domains_and_no_other(void **state)
{
	struct model_snapshot *snapshot = world_new(SLICE("on"));
	char name[64];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "partner-%06d.example", i);
		world_object(snapshot, MODEL_ALLOWED_DOMAIN, slice_of(name));
	}

	struct policy_image *image = world_image(snapshot, 1);

	for (int i = 0; i < 2 * MANY; i++) {
		snprintf(name, sizeof name, "partner-%06d.example", i);

		const struct image_allowed_domain *found = image_allowed_domain_find(image, slice_of(name));

		assert_int_equal(found != NULL, i < MANY);
		if (found)
			assert_true(slice_equal(policy_image_text(image, found->domain), slice_of(name)));
	}
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
}

struct marked {
	uint32_t mark, number;
};

static int by_mark(const void *a, const void *b)
{
	const struct marked *x = a, *y = b;

	return (x->mark > y->mark) - (x->mark < y->mark);
}

static struct slice numbered(char name[64], unsigned number)
{
	snprintf(name, 64, "d%u.example", number);
	return slice_of(name);
}

static struct slice key_of(const struct policy_image *image, struct slice name)
{
	const struct image_allowed_domain *found = image_allowed_domain_find(image, name);

	return found ? policy_image_text(image, found->domain) : SLICE_NONE;
}

/* Of so many names some have one mark; the image must tell them apart by their bytes. */
static void tells_names_of_one_mark_apart(void **state)
{
	struct marked *all = mem_new_array(4 * MANY, sizeof *all);
	char one[64], other[64];
	unsigned pairs = 0;

	(void)state;
	for (unsigned i = 0; i < 4 * MANY; i++)
		all[i] = (struct marked){ image_mark(image_hash(numbered(one, i))), i };
	qsort(all, 4 * MANY, sizeof *all, by_mark);
	for (unsigned i = 0; i + 1 < 4 * MANY; i++) {
		if (all[i].mark != all[i + 1].mark)
			continue;

		struct model_snapshot *snapshot = world_new(SLICE("on"));
		struct policy_image *image;

		pairs++;
		numbered(one, all[i].number);
		numbered(other, all[i + 1].number);
		world_object(snapshot, MODEL_ALLOWED_DOMAIN, slice_of(one));
		image = world_image(snapshot, 1);
		assert_non_null(image_allowed_domain_find(image, slice_of(one)));
		assert_null(image_allowed_domain_find(image, slice_of(other)));
		policy_image_close(&image);
		world_object(snapshot, MODEL_ALLOWED_DOMAIN, slice_of(other));
		image = world_image(snapshot, 2);
		assert_true(slice_equal(key_of(image, slice_of(one)), slice_of(one)));
		assert_true(slice_equal(key_of(image, slice_of(other)), slice_of(other)));
		policy_image_close(&image);
		model_snapshot_free(&snapshot);
	}
	assert_true(pairs > 0);
	mem_free(all);
}

/* Three that want the last slot of eight: two of them are found at the beginning. */
static void goes_on_at_the_first_slot_behind_the_last(void **state)
{
	struct model_snapshot *snapshot = world_new(SLICE("on"));
	char name[64];
	unsigned found = 0, number = 0;

	(void)state;
	for (; found < 3; number++)
		if ((image_hash(numbered(name, number)) & 7) == 7) {
			world_object(snapshot, MODEL_BLOCKED_DOMAIN, slice_of(name));
			found++;
		}

	struct policy_image *image = world_image(snapshot, 1);

	for (unsigned i = 0; i < 2 * number; i++) {
		bool is_listed = (image_hash(numbered(name, i)) & 7) == 7 && i < number;

		assert_int_equal(image_blocked_domain_find(image, slice_of(name)) != NULL, is_listed);
	}
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
}

#define LABEL_63 "a23456789-123456789-123456789-123456789-123456789-123456789-123"

static void finds_the_longest_name_and_nothing_in_an_empty_list(void **state)
{
	static const char longest[] = LABEL_63
	        "." LABEL_63 "." LABEL_63 ".a23456789-123456789-123456789-123456789-123456789-123456789-1";
	struct model_snapshot *snapshot = world_new(SLICE("on"));
	struct policy_image *image = world_image(snapshot, 1);

	(void)state;
	assert_int_equal(sizeof longest - 1, 253);
	assert_null(image_allowed_domain_find(image, SLICE(longest)));
	assert_null(image_allowed_domain_find(image, SLICE("")));
	policy_image_fetch(image, MODEL_ALLOWED_DOMAIN, 7);
	policy_image_close(&image);
	world_object(snapshot, MODEL_ALLOWED_DOMAIN, SLICE(longest));
	image = world_image(snapshot, 2);
	assert_non_null(image_allowed_domain_find(image, SLICE(longest)));
	assert_null(image_allowed_domain_find(image, slice_first(SLICE(longest), 252)));
	assert_null(image_allowed_domain_find(image, SLICE("")));
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
}

static void finds_an_object_by_its_aliases_too(void **state)
{
	struct model_snapshot *snapshot = world_new(SLICE("on"));
	struct policy_image *image;
	char name[64], list[64 * 64] = "";

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		size_t used = 0;

		snprintf(name, sizeof name, "p%u.example", i);
		for (unsigned a = 0; a < i % 65; a++)
			used += (size_t)snprintf(list + used, sizeof list - used, "a%u.p%u.example ", a, i);
		list[used] = '\0';
		assert_true(world_set(snapshot, world_object(snapshot, MODEL_XMPP_PARTNER, slice_of(name)),
		                      SLICE("additional-domains"), slice_of(list)));
	}
	image = world_image(snapshot, 1);
	for (unsigned i = 0; i < 200; i++) {
		const struct image_xmpp_partner *partner;

		snprintf(name, sizeof name, "p%u.example", i);
		partner = image_xmpp_partner_find(image, slice_of(name));
		assert_non_null(partner);
		assert_true(slice_equal(policy_image_text(image, partner->domain), slice_of(name)));
		for (unsigned a = 0; a < 70; a++) {
			snprintf(name, sizeof name, "a%u.p%u.example", a, i);
			assert_ptr_equal(image_xmpp_partner_find(image, slice_of(name)),
			                 a < i % 65 ? partner : NULL);
		}
	}
	policy_image_close(&image);
	model_snapshot_free(&snapshot);
}

static void nobody_can_change_an_image(void **state)
{
	struct model_snapshot *snapshot = world_new(SLICE("on"));
	int fd = -1;

	(void)state;
	assert_int_equal(policy_image_build(snapshot, 1, &fd, NULL), RESULT_OK);
	assert_int_equal(fcntl(fd, F_GET_SEALS), WALK_SEALS);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(write(fd, "x", 1) < 0);
	assert_true(ftruncate(fd, 0) < 0);
	close(fd);
	model_snapshot_free(&snapshot);
}

/* ---- what is refused ---- */

static struct slice bytes_of_image(const struct model_snapshot *snapshot, char *to, size_t size)
{
	int fd = -1;

	assert_int_equal(policy_image_build(snapshot, 1, &fd, NULL), RESULT_OK);

	ssize_t count = pread(fd, to, size, 0);

	assert_true(count > 0 && (size_t)count < size);
	close(fd);
	return (struct slice){ to, (size_t)count };
}

static enum result open_bytes(const void *bytes, size_t count, int seals, struct policy_image **image,
                              struct reason *reason)
{
	int fd = walk_file(bytes, count, seals);
	enum result result = policy_image_open(fd, image, reason);

	close(fd);
	return result;
}

static void refuses_what_is_no_image_of_this_build(void **state)
{
	struct model_snapshot *snapshot = world_new(SLICE("on"));
	static char bytes[65536], copy[65536];
	struct slice whole = bytes_of_image(snapshot, bytes, sizeof bytes);
	struct policy_image *image = NULL;
	struct reason reason = { "" };

	(void)state;
	assert_int_equal(open_bytes(bytes, whole.len, WALK_SEALS, &image, &reason), RESULT_OK);
	policy_image_close(&image);
	for (int missing = 0; missing < 3; missing++) {
		static const int each[] = { F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW };

		assert_int_equal(open_bytes(bytes, whole.len, WALK_SEALS & ~each[missing], &image, &reason),
		                 RESULT_INVALID);
	}
	for (size_t count = 0; count < whole.len; count += count < 300 ? 1 : 97)
		assert_int_equal(open_bytes(bytes, count, WALK_SEALS, &image, &reason), RESULT_INVALID);
	memcpy(copy, bytes, whole.len + 1);
	assert_int_equal(open_bytes(copy, whole.len + 1, WALK_SEALS, &image, &reason), RESULT_INVALID);
	copy[offsetof(struct image_header, magic)] ^= 1;
	assert_int_equal(open_bytes(copy, whole.len, WALK_SEALS, &image, &reason), RESULT_INVALID);
	assert_non_null(strstr(reason.text, "no policy image"));
	memcpy(copy, bytes, whole.len);
	copy[offsetof(struct image_header, layout)] ^= 1;
	assert_int_equal(open_bytes(copy, whole.len, WALK_SEALS, &image, &reason), RESULT_INVALID);
	assert_non_null(strstr(reason.text, "another build"));
	assert_null(image);
	assert_int_not_equal(policy_image_open(-1, &image, &reason), RESULT_OK);
	model_snapshot_free(&snapshot);
}

static void a_flipped_byte_is_refused_or_harmless(void **state)
{
	static const unsigned char masks[] = { 0x01, 0x80, 0xff };
	struct model_snapshot *snapshot = everything();
	static char bytes[65536];
	struct slice whole = bytes_of_image(snapshot, bytes, sizeof bytes);
	size_t refused = 0;

	(void)state;
	for (size_t at = 0; at < whole.len; at++)
		for (size_t m = 0; m < sizeof masks; m++) {
			struct policy_image *image = NULL;

			bytes[at] = (char)(bytes[at] ^ masks[m]);
			if (open_bytes(bytes, whole.len, WALK_SEALS, &image, NULL) == RESULT_OK)
				walk_image(image);
			else
				refused++;
			policy_image_close(&image);
			bytes[at] = (char)(bytes[at] ^ masks[m]);
		}
	assert_true(refused > whole.len);
	model_snapshot_free(&snapshot);
}

/* A number that no row allows must not reach a decision. */
static void refuses_values_out_of_range(void **state)
{
	static const struct {
		size_t kind, field;
		uint64_t bad;
	} rows[] = {
		{ MODEL_ACCESS_EDGE, MODEL_FIELD(access_edge, allow_federated_users), 2 },
		{ MODEL_ACCESS_EDGE, MODEL_FIELD(access_edge, max_connections), 15 },
		{ MODEL_ACCESS_EDGE, MODEL_FIELD(access_edge, max_connections), UINT64_MAX },
		{ MODEL_TOPOLOGY, MODEL_FIELD(topology, media), 2 },
		{ MODEL_TOPOLOGY, MODEL_FIELD(topology, sip_domains), UINT64_C(65) << 32 },
		{ MODEL_TOPOLOGY, MODEL_FIELD(topology, sip_domains), (UINT64_C(1) << 32) | 0xfffffff8u },
		{ MODEL_HOST, MODEL_FIELD(host, node), UINT64_MAX },
	};
	struct model_snapshot *snapshot = world_new(SLICE("on"));
	static char bytes[65536];
	struct slice whole = bytes_of_image(snapshot, bytes, sizeof bytes);
	struct image_header header;

	(void)state;
	memcpy(&header, bytes, sizeof header);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *member = bytes + header.parts[rows[i].kind].records + 8 * rows[i].field;
		struct policy_image *image = NULL;
		struct reason reason = { "" };
		uint64_t good;

		memcpy(&good, member, sizeof good);
		memcpy(member, &rows[i].bad, sizeof good);
		assert_int_equal(open_bytes(bytes, whole.len, WALK_SEALS, &image, &reason), RESULT_INVALID);
		assert_non_null(strstr(reason.text, model_kind((enum model_kind_id)rows[i].kind)->name));
		memcpy(member, &good, sizeof good);
	}
	model_snapshot_free(&snapshot);
}

/* A full index would be searched for ever. */
static void refuses_an_index_without_a_free_slot(void **state)
{
	struct model_snapshot *snapshot = everything();
	static char bytes[65536];
	struct slice whole = bytes_of_image(snapshot, bytes, sizeof bytes);
	struct policy_image *image = NULL;
	struct image_header header;
	struct image_text name;

	(void)state;
	memcpy(&header, bytes, sizeof header);
	memcpy(&name, bytes + header.parts[MODEL_ALLOWED_DOMAIN].records, sizeof name);
	for (uint64_t i = 0; i < header.parts[MODEL_ALLOWED_DOMAIN].slots; i++) {
		struct image_slot slot = { .number = 1, .name = name };

		memcpy(bytes + header.parts[MODEL_ALLOWED_DOMAIN].index + i * sizeof slot, &slot,
		       sizeof slot);
	}
	assert_int_equal(open_bytes(bytes, whole.len, WALK_SEALS, &image, NULL), RESULT_INVALID);
	model_snapshot_free(&snapshot);
}

/* Sound items, all inside, but more of them than any list may have: readers have tables of MODEL_LIST_MAX. */
static void refuses_a_list_longer_than_any(void **state)
{
	struct model_snapshot *snapshot = world_new(SLICE("on"));
	static char bytes[65536];
	struct slice whole = bytes_of_image(snapshot, bytes, sizeof bytes);
	size_t end = (whole.len + 7) / 8 * 8;
	const struct image_text empty = { (uint32_t)whole.len, 0 };
	struct image_header header;

	(void)state;
	memset(bytes + whole.len, 0, sizeof bytes - whole.len);
	memcpy(&header, bytes, sizeof header);
	for (size_t i = 0; i <= MODEL_LIST_MAX; i++)
		memcpy(bytes + end + i * sizeof empty, &empty, sizeof empty);
	header.bytes = end + (MODEL_LIST_MAX + 1) * sizeof empty;
	memcpy(bytes, &header, sizeof header);
	for (uint32_t more = 0; more < 2; more++) {
		struct image_list list = { (uint32_t)end, MODEL_LIST_MAX + more };
		struct policy_image *image = NULL;

		memcpy(bytes + header.parts[MODEL_TOPOLOGY].records + 8 * MODEL_FIELD(topology, sip_domains),
		       &list, sizeof list);
		assert_int_equal(open_bytes(bytes, header.bytes, WALK_SEALS, &image, NULL),
		                 more ? RESULT_INVALID : RESULT_OK);
		policy_image_close(&image);
	}
	model_snapshot_free(&snapshot);
}

static void survives_each_allocation_failing(void **state)
{
	struct model_snapshot *snapshot = everything();
	bool is_through = false;

	(void)state;
	for (unsigned long nth = 1; !is_through; nth++) {
		struct policy_image *image = NULL;
		struct reason reason;
		int fd = -1;

		mem_fail_at(nth);

		enum result result = policy_image_build(snapshot, 1, &fd, &reason);

		if (result == RESULT_OK)
			result = policy_image_open(fd, &image, &reason);
		if (result == RESULT_OK)
			walk_image(image);
		is_through = mem_count() < nth;
		mem_fail_at(0);
		assert_true(result == RESULT_OK || (result == RESULT_NO_MEMORY && image == NULL));
		if (is_through)
			assert_int_equal(result, RESULT_OK);
		policy_image_close(&image);
		if (fd >= 0)
			close(fd);
		assert_true(nth < 100);
	}
	model_snapshot_free(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_value_that_was_written),
		cmocka_unit_test(structs_read_what_the_rows_say),
		cmocka_unit_test(finds_the_edge_by_its_name_or_because_it_is_alone),
		cmocka_unit_test(knows_all_of_64_own_domains_and_no_other),
		cmocka_unit_test(finds_each_of_100000_domains_and_no_other),
		cmocka_unit_test(finds_an_object_by_its_aliases_too),
		cmocka_unit_test(tells_names_of_one_mark_apart),
		cmocka_unit_test(goes_on_at_the_first_slot_behind_the_last),
		cmocka_unit_test(finds_the_longest_name_and_nothing_in_an_empty_list),
		cmocka_unit_test(nobody_can_change_an_image),
		cmocka_unit_test(refuses_what_is_no_image_of_this_build),
		cmocka_unit_test(a_flipped_byte_is_refused_or_harmless),
		cmocka_unit_test(refuses_values_out_of_range),
		cmocka_unit_test(refuses_an_index_without_a_free_slot),
		cmocka_unit_test(refuses_a_list_longer_than_any),
		cmocka_unit_test(survives_each_allocation_failing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
