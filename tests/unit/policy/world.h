/*
 * world: a snapshot changed by words, and the image of it, for the tests of this folder.
 * "on no-user no-xmpp media streams=N own=D allow=D,proxy=F,identity=R block=D xmpp=D,field=value policy=NAME,field=value
 * site=NAME,field=value user=ADDRESS,field=value edge=NAME,field=value edge-pool=NAME,... pool=NAME,... member=NAME,...
 * sip-route=POOL xmpp-route=POOL provider=NAME,field=value (lists with '+' between)"; see tests/tables/policy.txt.
 */
#ifndef TESTS_UNIT_POLICY_WORLD_H
#define TESTS_UNIT_POLICY_WORLD_H

#include <assert.h>
#include <unistd.h>

#include "daemon/policy/image.h"

static inline struct model_object *world_object(struct model_snapshot *snapshot, enum model_kind_id kind,
                                                struct slice key)
{
	struct model_object *object = model_kind(kind)->cardinality == MODEL_ONE
	                                      ? model_snapshot_one(snapshot, kind)
	                                      : model_snapshot_find(snapshot, kind, key);

	if (object)
		return object;
	object = model_object_new(&snapshot->arena, model_kind(kind));
	assert(object);
	object->values[object->kind->key].text = arena_copy(&snapshot->arena, key);
	assert(model_snapshot_add(snapshot, object) == RESULT_OK);
	return object;
}

/* False: no such field, or not a value of it. */
static inline bool world_set(struct model_snapshot *snapshot, struct model_object *object, struct slice field,
                             struct slice value)
{
	size_t index = model_field_named(object->kind, field);
	struct reason reason;

	return index < object->kind->field_count &&
	       model_value_read(&object->kind->fields[index], value, &snapshot->arena, &object->values[index],
	                        &reason) == RESULT_OK;
}

static inline void world_own(struct model_snapshot *snapshot, struct slice domain)
{
	struct model_object *topology = model_snapshot_one(snapshot, MODEL_TOPOLOGY);
	struct buffer list;

	buffer_start(&list, 65536);
	model_value_write(&topology->kind->fields[MODEL_FIELD(topology, sip_domains)],
	                  &topology->values[MODEL_FIELD(topology, sip_domains)], &list);
	buffer_add_char(&list, ' ');
	buffer_add(&list, domain);
	assert(world_set(snapshot, topology, SLICE("sip-domains"), buffer_slice(&list)));
	buffer_stop(&list);
}

static inline bool world_take(struct slice *word, struct slice prefix)
{
	if (!slice_starts(*word, prefix))
		return false;
	*word = slice_after(*word, prefix.len);
	return true;
}

static inline void world_allow(struct model_snapshot *snapshot, struct slice words, char separator)
{
	struct slice part;

	assert(slice_next(&words, separator, &part));

	struct model_object *allowed = world_object(snapshot, MODEL_ALLOWED_DOMAIN, part);

	while (slice_next(&words, separator, &part)) {
		size_t at = slice_find(part, '=');
		struct slice name = slice_first(part, at);

		assert(at < part.len);
		if (slice_equal(name, SLICE("proxy")))
			name = SLICE("proxy-fqdn");
		assert(world_set(snapshot, allowed, name, slice_after(part, at + 1)));
	}
}

/* "KEY,field=value,..."; '_' in the key and '+' in a value stand for a blank. */
static inline void world_provider(struct model_snapshot *snapshot, struct slice words, char separator)
{
	char copy[512];

	assert(slice_to_text(words, copy, sizeof copy));
	for (size_t i = 0, is_key = 1; copy[i]; i++) {
		is_key = is_key && copy[i] != separator;
		copy[i] = is_key && copy[i] == '_' ? ' ' : !is_key && copy[i] == '+' ? ' ' : copy[i];
	}

	struct slice rest = slice_of(copy), part;

	assert(slice_next(&rest, separator, &part));

	struct model_object *object = world_object(snapshot, MODEL_SIP_PROVIDER, part);

	while (slice_next(&rest, separator, &part)) {
		size_t at = slice_find(part, '=');
		struct slice name = slice_first(part, at);

		if (slice_equal(name, SLICE("proxy")))
			name = SLICE("proxy-fqdn");
		assert(at < part.len);
		assert(world_set(snapshot, object, name, slice_after(part, at + 1)));
	}
}

/* "KEY,field=value,..." */
static inline void world_many(struct model_snapshot *snapshot, enum model_kind_id kind, struct slice words,
                              char separator)
{
	struct slice part;

	assert(slice_next(&words, separator, &part));

	struct model_object *object = world_object(snapshot, kind, part);

	while (slice_next(&words, separator, &part)) {
		size_t at = slice_find(part, '=');

		assert(at < part.len);
		assert(world_set(snapshot, object, slice_first(part, at), slice_after(part, at + 1)));
	}
}

static inline struct model_snapshot *world_new(struct slice words)
{
	struct model_snapshot *snapshot = model_snapshot_new();
	bool has_own = false;
	struct slice word;

	assert(snapshot);

	struct model_object *edge = model_snapshot_one(snapshot, MODEL_ACCESS_EDGE);

	assert(world_set(snapshot, edge, SLICE("allow-federated-users"), SLICE("false")));
	while (slice_next(&words, ' ', &word)) {
		if (word.len == 0)
			continue;
		if (slice_equal(word, SLICE("on")))
			assert(world_set(snapshot, edge, SLICE("allow-federated-users"), SLICE("true")));
		else if (slice_equal(word, SLICE("discovery")))
			assert(world_set(snapshot, edge, SLICE("enable-partner-discovery"), SLICE("true")));
		else if (world_take(&word, SLICE("route="))) {
			assert(world_set(snapshot, edge, SLICE("routing-method"), SLICE("default-route")));
			assert(world_set(snapshot, edge, SLICE("default-route-fqdn"), word));
		} else if (slice_equal(word, SLICE("public")))
			assert(world_set(snapshot, edge, SLICE("is-public-provider"), SLICE("true")));
		else if (slice_equal(word, SLICE("no-outside")))
			assert(world_set(snapshot, edge, SLICE("allow-outside-users"), SLICE("false")));
		else if (slice_equal(word, SLICE("anonymous")))
			assert(world_set(snapshot, edge, SLICE("allow-anonymous-users"), SLICE("true")));
		else if (slice_equal(word, SLICE("outside")))
			assert(world_set(snapshot,
			                 world_object(snapshot, MODEL_ACCESS_POLICY, SLICE("Global")),
			                 SLICE("enable-outside-access"), SLICE("true")));
		else if (world_take(&word, SLICE("meeting=")))
			world_many(snapshot, MODEL_CONFERENCE, word, ',');
		else if (slice_equal(word, SLICE("no-user")))
			assert(world_set(snapshot,
			                 world_object(snapshot, MODEL_ACCESS_POLICY, SLICE("Global")),
			                 SLICE("enable-federation-access"), SLICE("false")));
		else if (slice_equal(word, SLICE("no-xmpp")))
			assert(world_set(snapshot,
			                 world_object(snapshot, MODEL_ACCESS_POLICY, SLICE("Global")),
			                 SLICE("enable-xmpp-access"), SLICE("false")));
		else if (slice_equal(word, SLICE("cloud")))
			assert(world_set(snapshot,
			                 world_object(snapshot, MODEL_ACCESS_POLICY, SLICE("Global")),
			                 SLICE("enable-public-cloud-access"), SLICE("true")));
		else if (slice_equal(word, SLICE("cloud-av")))
			assert(world_set(snapshot,
			                 world_object(snapshot, MODEL_ACCESS_POLICY, SLICE("Global")),
			                 SLICE("enable-public-cloud-audio-video-access"), SLICE("true")));
		else if (slice_equal(word, SLICE("media")))
			assert(world_set(snapshot, model_snapshot_one(snapshot, MODEL_TOPOLOGY),
			                 SLICE("media"), SLICE("direct")));
		else if (world_take(&word, SLICE("streams=")))
			assert(world_set(snapshot, model_snapshot_one(snapshot, MODEL_XMPP_GATEWAY),
			                 SLICE("connection-limit"), word));
		else if (world_take(&word, SLICE("own="))) {
			world_own(snapshot, word);
			has_own = true;
		} else if (world_take(&word, SLICE("allow=")))
			world_allow(snapshot, word, ',');
		else if (world_take(&word, SLICE("xmpp=")))
			world_many(snapshot, MODEL_XMPP_PARTNER, word, ',');
		else if (world_take(&word, SLICE("provider=")))
			world_provider(snapshot, word, ',');
		else if (world_take(&word, SLICE("policy=")))
			world_many(snapshot, MODEL_ACCESS_POLICY, word, ',');
		else if (world_take(&word, SLICE("site=")))
			world_many(snapshot, MODEL_SITE, word, ',');
		else if (world_take(&word, SLICE("edge=")))
			world_many(snapshot, MODEL_EDGE, word, ',');
		else if (world_take(&word, SLICE("edge-pool=")))
			world_many(snapshot, MODEL_EDGE_POOL, word, ',');
		else if (world_take(&word, SLICE("pool=")))
			world_many(snapshot, MODEL_POOL, word, ',');
		else if (world_take(&word, SLICE("member=")))
			world_many(snapshot, MODEL_POOL_MEMBER, word, ',');
		else if (world_take(&word, SLICE("sip-route=")))
			assert(world_set(snapshot, model_snapshot_one(snapshot, MODEL_TOPOLOGY),
			                 SLICE("sip-federation-route"), word));
		else if (world_take(&word, SLICE("xmpp-route=")))
			assert(world_set(snapshot, model_snapshot_one(snapshot, MODEL_TOPOLOGY),
			                 SLICE("xmpp-federation-route"), word));
		else if (world_take(&word, SLICE("user=")))
			world_many(snapshot, MODEL_USER, word, ',');
		else if (world_take(&word, SLICE("block=")))
			world_object(snapshot, MODEL_BLOCKED_DOMAIN, word);
		else
			assert(!"a word of the configuration that nobody knows");
	}
	if (!has_own)
		world_own(snapshot, SLICE("contoso.example"));
	return snapshot;
}

static inline struct policy_image *world_image(const struct model_snapshot *snapshot, uint64_t generation)
{
	struct policy_image *image = NULL;
	struct reason reason;
	int fd = -1;

	assert(policy_image_build(snapshot, generation, &fd, &reason) == RESULT_OK);
	assert(policy_image_open(fd, &image, &reason) == RESULT_OK);
	close(fd);
	return image;
}

#endif
