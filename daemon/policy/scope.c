/*
 * Whose rules hold for a user: the nearest external access policy, as a whole (Lync: user, then site, then global).
 */
#include "daemon/policy/parts.h"

enum { SITE_POLICY_BYTES = 160 };

static int hex_digit(char c)
{
	c = ascii_lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * The address as the entries hold it (value.c): escapes are what they stand for (RFC 3261 §19.1.2), letters are
 * small.  Whoever writes %41lice is Alice.  An address that is longer than any entry's finds none.
 */
struct slice policy_address_of(struct slice user, struct slice domain, char to[POLICY_ADDRESS_BYTES])
{
	size_t used = 0;

	if (user.len == 0 || user.len / 3 + domain.len >= POLICY_ADDRESS_BYTES)
		return SLICE_NONE;
	for (size_t i = 0; i < user.len && used < POLICY_ADDRESS_BYTES; i++) {
		int high = user.ptr[i] == '%' && i + 2 < user.len ? hex_digit(user.ptr[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(user.ptr[i + 2]) : -1;
		char c = low >= 0 ? (char)(high * 16 + low) : user.ptr[i];

		i += low >= 0 ? 2 : 0;
		to[used++] = ascii_lower(c);
	}
	if (used + 1 + domain.len > POLICY_ADDRESS_BYTES)
		return SLICE_NONE;
	to[used++] = '@';
	memcpy(to + used, domain.ptr, domain.len);
	return (struct slice){ to, used + domain.len };
}

struct policy_sought policy_expect_user(const struct policy_image *image, struct slice user,
                                        struct slice domain, char room[POLICY_ADDRESS_BYTES])
{
	struct policy_sought sought = { SLICE_NONE, 0 };

	if (image_user_count(image))
		sought.key = policy_address_of(user, domain, room);
	if (sought.key.len) {
		sought.hash = policy_image_hash(sought.key);
		policy_image_expect(image, MODEL_USER, sought.hash);
	}
	return sought;
}

static const struct image_access_policy *policy_of_site(const struct policy_image *image, struct slice site)
{
	char identity[SITE_POLICY_BYTES];
	size_t prefix = sizeof MODEL_POLICY_SITE - 1;

	if (site.len == 0 || prefix + site.len > sizeof identity)
		return NULL;
	memcpy(identity, MODEL_POLICY_SITE, prefix);
	memcpy(identity + prefix, site.ptr, site.len);
	return image_access_policy_find(image, (struct slice){ identity, prefix + site.len });
}

static struct slice site_of(const struct policy_image *image, const struct image_user *user,
                            struct slice domain)
{
	const struct image_site *site;

	if (user && user->site.length)
		return policy_image_text(image, user->site);
	site = image_site_count(image) ? image_site_find(image, domain) : NULL;
	return site ? policy_image_text(image, site->name) : SLICE("");
}

static struct slice site_of_sought(const struct policy_image *image, struct policy_sought sought,
                                   struct slice domain)
{
	if (image_site_count(image) == 0)
		return SLICE("");
	return site_of(image,
	               sought.key.len ? policy_image_find_hashed(image, MODEL_USER, sought.key, sought.hash)
	                              : NULL,
	               domain);
}

struct slice policy_site_asked(const struct policy_asking *a)
{
	return site_of_sought(a->image, a->user, a->facts->local_domain);
}

struct slice policy_site_of(const struct policy_image *image, struct slice user, struct slice domain)
{
	char room[POLICY_ADDRESS_BYTES];

	return site_of_sought(image, policy_expect_user(image, user, domain, room), domain);
}

static void effective_of(const struct policy_image *image, struct policy_sought sought, struct slice domain,
                         struct policy_effective *out)
{
	*out = (struct policy_effective){ .scope = POLICY_SCOPE_USER, .site = SLICE("") };
	out->user = sought.key.len ? policy_image_find_hashed(image, MODEL_USER, sought.key, sought.hash)
	                           : NULL;
	if (out->user && out->user->policy.length) {
		out->identity = policy_image_text(image, out->user->policy);
		out->policy = image_access_policy_find(image, out->identity);
		return;
	}
	out->scope = POLICY_SCOPE_SITE;
	out->site = site_of(image, out->user, domain);
	out->policy = policy_of_site(image, out->site);
	if (!out->policy) {
		out->scope = POLICY_SCOPE_GLOBAL;
		out->policy = image_access_policy_find(image, SLICE(MODEL_POLICY_GLOBAL));
	}
	out->identity = out->policy ? policy_image_text(image, out->policy->identity)
	                            : SLICE(MODEL_POLICY_GLOBAL);
}

void policy_effective_of(const struct policy_image *image, struct slice user, struct slice domain,
                         struct policy_effective *out)
{
	char room[POLICY_ADDRESS_BYTES];

	effective_of(image, policy_expect_user(image, user, domain, room), domain, out);
}

const char *policy_scope_name(enum policy_scope scope)
{
	static const char *const names[] = {
		[POLICY_SCOPE_GLOBAL] = "global", [POLICY_SCOPE_SITE] = "site", [POLICY_SCOPE_USER] = "user"
	};

	return names[scope];
}

/* ---- the step ---- */

/* What the traffic needs: every one of these has to be on; NULL past the last. */
struct wanted {
	bool is_on;
	const char *field, *what;
};

static size_t wanted_of(const struct policy_asking *a, const struct image_access_policy *p,
                        struct wanted wanted[POLICY_SWITCHES_MAX])
{
	const struct wanted federation = { p && p->enable_federation_access,
		                           FIELD_NAME(ACCESS_POLICY, access_policy, enable_federation_access),
		                           "federation" };
	const struct wanted xmpp = { p && p->enable_xmpp_access,
		                     FIELD_NAME(ACCESS_POLICY, access_policy, enable_xmpp_access),
		                     "XMPP federation" };
	const struct wanted cloud = { p && p->enable_public_cloud_access,
		                      FIELD_NAME(ACCESS_POLICY, access_policy, enable_public_cloud_access),
		                      "public providers" };
	const struct wanted media = { p && p->enable_public_cloud_audio_video_access,
		                      FIELD_NAME(ACCESS_POLICY, access_policy,
		                                 enable_public_cloud_audio_video_access),
		                      "audio and video with public providers" };
	size_t count = 0;

	if (a->protocol == POLICY_XMPP) { /* XMPP is a sub-item of federation: both have to be on */
		wanted[count++] = federation;
		wanted[count++] = xmpp;
	} else if (policy_federation_of(a) == POLICY_FEDERATION_PUBLIC) {
		wanted[count++] = cloud;
		if (a->facts->service == POLICY_SERVICE_AV)
			wanted[count++] = media;
	} else {
		wanted[count++] = federation;
	}
	return count;
}

size_t policy_switches_off(const struct policy_asking *a, const struct policy_effective *effective,
                           const char *fields[POLICY_SWITCHES_MAX])
{
	struct wanted wanted[POLICY_SWITCHES_MAX];
	size_t count = wanted_of(a, effective->policy, wanted), off = 0;

	for (size_t i = 0; i < count; i++)
		if (!wanted[i].is_on)
			fields[off++] = wanted[i].field;
	return off;
}

void policy_ask_user(const struct policy_asking *a, struct policy_finding *f)
{
	static const char *const scopes[] = { [POLICY_SCOPE_GLOBAL] = "",
		                              [POLICY_SCOPE_SITE] = " (scope site)",
		                              [POLICY_SCOPE_USER] = " (scope user)" };
	struct wanted wanted[POLICY_SWITCHES_MAX];
	struct policy_effective effective;
	size_t count, i = 0;

	if (a->is_shared || policy_is_about_edge(a->facts)) {
		policy_leave(a, f, MODEL_ACCESS_POLICY, SLICE(MODEL_POLICY_GLOBAL),
		             a->is_shared ? "not asked: both are users of our own domains"
		                          : "not asked: it is for the edge, not for a user of ours");
		return;
	}
	effective_of(a->image, a->user, a->facts->local_domain, &effective);
	count = wanted_of(a, effective.policy, wanted);
	while (i < count - 1 && wanted[i].is_on)
		i++;
	if (wanted[i].is_on)
		policy_pass(a, f, MODEL_ACCESS_POLICY, effective.identity, wanted[i].field,
		            "external access policy %.*s%s permits %s", SLICE_ARG(effective.identity),
		            scopes[effective.scope], wanted[i].what);
	else
		policy_refuse(f, MODEL_ACCESS_POLICY, effective.identity, wanted[i].field,
		              "external access policy %.*s%s does not permit %s",
		              SLICE_ARG(effective.identity), scopes[effective.scope], wanted[i].what);
}
