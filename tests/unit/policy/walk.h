/*
 * walk: reads everything an opened image offers and aborts when something lies outside it.
 * For images that were tampered with: opening refused them, or this must hold.
 */
#ifndef TESTS_UNIT_POLICY_WALK_H
#define TESTS_UNIT_POLICY_WALK_H

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/policy/policy.h"

enum { WALK_SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

/* A memfd with these bytes. */
static inline int walk_file(const void *bytes, size_t count, int seals)
{
	int fd = memfd_create("parley-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, bytes, count) != (ssize_t)count ||
	    (seals && fcntl(fd, F_ADD_SEALS, seals) < 0))
		abort();
	return fd;
}

static inline void walk_inside(const struct policy_image *image, struct slice s)
{
	const char *base = policy_image_text(image, (struct image_text){ 0, 0 }).ptr;

	if (s.ptr < base || s.len >= policy_image_bytes(image) ||
	    (size_t)(s.ptr - base) > policy_image_bytes(image) - s.len - 1 || s.ptr[s.len] != '\0')
		abort();
	for (size_t i = 0; i < s.len; i++) { /* touches every byte */
		volatile char c = s.ptr[i];

		(void)c;
	}
}

static inline void walk_record(const struct policy_image *image, const struct model_kind *kind,
                               const char *record)
{
	for (size_t f = 0; f < kind->field_count; f++) {
		enum model_type type = kind->fields[f].type;
		struct image_text text;
		struct image_list list;

		memcpy(&text, record + 8 * f, sizeof text);
		memcpy(&list, record + 8 * f, sizeof list);
		if (model_type_is_list(type))
			for (size_t i = 0; i < list.count; i++)
				walk_inside(image, policy_image_item(image, list, i));
		else if (type >= MODEL_TEXT)
			walk_inside(image, policy_image_text(image, text));
	}
	if (kind->key < kind->field_count) {
		struct image_text key;

		memcpy(&key, record + 8 * kind->key, sizeof key);
		policy_image_find(image, kind->id, policy_image_text(image, key)); /* must come back */
	}
}

static inline void walk_decide(const struct policy_image *image)
{
	static const struct slice names[] = { { "sip.fabrikam.example", 20 } };
	struct policy_facts facts = { .remote_domain = SLICE("fabrikam.example"),
		                      .local_domain = SLICE("contoso.example"),
		                      .is_connected = true,
		                      .has_certificate = true,
		                      .certificate_dns = names,
		                      .certificate_dns_count = 1,
		                      .srv = POLICY_SRV_FOUND,
		                      .srv_route = POLICY_ROUTE_SRV_FEDERATION,
		                      .srv_targets = names,
		                      .srv_target_count = 1 };
	struct policy_verdict verdict;
	struct policy_explanation explanation;

	policy_decide(image, &facts, &verdict, NULL);
	facts.direction = POLICY_OUTWARD;
	policy_decide(image, &facts, &verdict, &explanation);
}

static inline void walk_image(const struct policy_image *image)
{
	for (int k = 0; k < MODEL_KIND_COUNT; k++) {
		const struct model_kind *kind = model_kind((enum model_kind_id)k);

		for (size_t i = 0; i < policy_image_count(image, kind->id); i++)
			walk_record(image, kind, policy_image_at(image, kind->id, i));
		if (policy_image_at(image, kind->id, policy_image_count(image, kind->id)))
			abort();
		policy_image_find(image, kind->id, SLICE("there is no such key"));
	}
	policy_image_is_own_domain(image, SLICE("contoso.example"));
	policy_image_edge(image, SLICE(""));
	walk_decide(image);
}

#endif
