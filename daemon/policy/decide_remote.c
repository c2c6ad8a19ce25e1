/*
 * The steps that are asked of our own users outside, and of people without an account who join a meeting
 * (Lync's AllowOutsideUsers, AllowAnonymousUsers, EnableOutsideAccess).
 *
 * Who a remote user is, the pool says: it challenges him, and what it lets register over a connection may be
 * spoken for on it.  Nothing here asks for a password.
 */
#include "daemon/policy/parts.h"

#include "shared/base/text.h"

static const char *switch_field(bool is_anonymous)
{
	return is_anonymous ? FIELD_NAME(ACCESS_EDGE, access_edge, allow_anonymous_users)
	                    : FIELD_NAME(ACCESS_EDGE, access_edge, allow_outside_users);
}

/* Lync: anonymous users need both switches. */
void policy_ask_outside_switch(const struct policy_asking *a, struct policy_finding *f)
{
	if (a->switches->allow_outside_users)
		policy_pass(a, f, MODEL_ACCESS_EDGE, SLICE(""), switch_field(false),
		            "users outside are served");
	else
		policy_refuse(f, MODEL_ACCESS_EDGE, SLICE(""), switch_field(false),
		              "users outside are switched off for this edge");
}

void policy_ask_anonymous_switch(const struct policy_asking *a, struct policy_finding *f)
{
	if (a->switches->allow_anonymous_users)
		policy_pass(a, f, MODEL_ACCESS_EDGE, SLICE(""), switch_field(true),
		            "people without an account may join meetings");
	else
		policy_refuse(f, MODEL_ACCESS_EDGE, SLICE(""), switch_field(true),
		              "anonymous users are switched off for this edge");
}

void policy_ask_remote_domain(const struct policy_asking *a, struct policy_finding *f)
{
	struct slice domain = a->facts->local_domain;
	const char *field = FIELD_NAME(TOPOLOGY, topology, sip_domains);

	if (policy_image_is_own_domain(a->image, domain))
		policy_pass(a, f, MODEL_TOPOLOGY, domain, field, "%.*s is our own domain", SLICE_ARG(domain));
	else
		policy_refuse(
		        f, MODEL_TOPOLOGY, domain, field,
		        "%.*s is none of our own domains: only our own users are served as remote users",
		        SLICE_ARG(domain));
}

void policy_ask_outside_access(const struct policy_asking *a, struct policy_finding *f)
{
	const char *field = FIELD_NAME(ACCESS_POLICY, access_policy, enable_outside_access);
	struct policy_effective effective;

	policy_effective_of(a->image, a->facts->local_user, a->facts->local_domain, &effective);
	if (effective.policy && effective.policy->enable_outside_access)
		policy_pass(a, f, MODEL_ACCESS_POLICY, effective.identity, field,
		            "external access policy %.*s (scope %s) permits remote access",
		            SLICE_ARG(effective.identity), policy_scope_name(effective.scope));
	else
		policy_refuse(f, MODEL_ACCESS_POLICY, effective.identity, field,
		              "external access policy %.*s (scope %s) does not permit remote access",
		              SLICE_ARG(effective.identity), policy_scope_name(effective.scope));
}

/* To sign in is what REGISTER asks for; all else needs it. */
void policy_ask_signed_in(const struct policy_asking *a, struct policy_finding *f)
{
	struct slice user = a->facts->local_user, domain = a->facts->local_domain;

	if (a->facts->direction == POLICY_INWARD && slice_equal(a->facts->method, SLICE("REGISTER")))
		policy_pass(a, f, MODEL_ACCESS_EDGE, SLICE(""), "",
		            "to sign in is what is asked: our pool decides by its challenge");
	else if (a->facts->is_signed_in)
		policy_pass(a, f, MODEL_ACCESS_EDGE, SLICE(""), "",
		            "our pool has signed %.*s@%.*s in over this connection", SLICE_ARG(user),
		            SLICE_ARG(domain));
	else
		policy_refuse(f, MODEL_ACCESS_EDGE, SLICE(""), "",
		              "%.*s@%.*s is not signed in over this connection", SLICE_ARG(user),
		              SLICE_ARG(domain));
}

/* ---- meetings ---- */

static const struct image_conference *meeting_of(const struct policy_asking *a,
                                                 char key[POLICY_ADDRESS_BYTES])
{
	struct slice address = policy_address_of(a->facts->local_user, a->facts->local_domain, key);

	return address.len ? image_conference_find(a->image, address) : NULL;
}

/*
 * A user's address, listed: Lync's meetings have their organizer's, and only a parameter tells them from him.  Users that
 * no list here names are not known.
 */
static bool is_persons(const struct policy_asking *a, const struct image_conference *meeting,
                       struct slice address)
{
	return slice_equal(policy_image_text(a->image, meeting->organizer), address) ||
	       (image_user_count(a->image) && image_user_find(a->image, address));
}

static bool is_person_called(const struct policy_asking *a)
{
	char key[POLICY_ADDRESS_BYTES];
	const struct image_conference *meeting = meeting_of(a, key);

	return meeting && !a->facts->is_conference &&
	       is_persons(a, meeting, policy_image_text(a->image, meeting->sip_address));
}

void policy_ask_conference_address(const struct policy_asking *a, struct policy_finding *f)
{
	char key[POLICY_ADDRESS_BYTES];
	const struct image_conference *meeting = meeting_of(a, key);
	struct slice user = a->facts->local_user, domain = a->facts->local_domain;

	if (meeting && is_person_called(a))
		policy_refuse(f, MODEL_CONFERENCE, policy_image_text(a->image, meeting->sip_address), "",
		              "%.*s@%.*s is a user: only this user's meetings are open to people without an "
		              "account",
		              SLICE_ARG(user), SLICE_ARG(domain));
	else if (meeting)
		policy_pass(a, f, MODEL_CONFERENCE, policy_image_text(a->image, meeting->sip_address), "",
		            "%.*s@%.*s is a meeting that people without an account may join", SLICE_ARG(user),
		            SLICE_ARG(domain));
	else
		policy_refuse(f, MODEL_CONFERENCE, user, "",
		              "%.*s@%.*s is not listed as a meeting that people without an account may join",
		              SLICE_ARG(user), SLICE_ARG(domain));
}

bool policy_organizer_of(const struct policy_asking *a, struct policy_effective *out)
{
	char key[POLICY_ADDRESS_BYTES];
	const struct image_conference *meeting = meeting_of(a, key);
	struct slice organizer = meeting ? policy_image_text(a->image, meeting->organizer) : SLICE_NONE;
	size_t at = slice_find(organizer, '@');

	if (organizer.len == 0 || at == organizer.len)
		return false;
	policy_effective_of(a->image, slice_first(organizer, at), slice_after(organizer, at + 1), out);
	return true;
}

void policy_ask_organizer_policy(const struct policy_asking *a, struct policy_finding *f)
{
	const char *field = FIELD_NAME(ACCESS_POLICY, access_policy, allow_anonymous_participants);
	struct policy_effective effective;

	if (!policy_organizer_of(a, &effective))
		policy_leave(a, f, MODEL_ACCESS_POLICY, SLICE(""), "the meeting names no organizer");
	else if (effective.policy && effective.policy->allow_anonymous_participants)
		policy_pass(a, f, MODEL_ACCESS_POLICY, effective.identity, field,
		            "the organizer's external access policy %.*s allows anonymous participants",
		            SLICE_ARG(effective.identity));
	else
		policy_refuse(
		        f, MODEL_ACCESS_POLICY, effective.identity, field,
		        "the organizer's external access policy %.*s does not allow anonymous participants",
		        SLICE_ARG(effective.identity));
}

/* ---- the smallest change ---- */

static bool refuses(const struct policy_explanation *e, enum policy_step_id step)
{
	return e->steps[step].answer == POLICY_REFUSE;
}

static void begin(struct buffer *out, const char *words)
{
	buffer_printf(out, "%s%s", buffer_length(out) ? "; " : "", words);
}

static void write_policy(struct buffer *out, struct slice identity, const char *field)
{
	bool needs_quotes = slice_find(identity, ' ') < identity.len;

	begin(out, needs_quotes ? "policy set \"" : "policy set ");
	text_escape(out, identity);
	buffer_printf(out, "%s %s=true", needs_quotes ? "\"" : "", field);
}

static void write_changes(const struct policy_asking *a, const struct policy_explanation *e,
                          struct buffer *out)
{
	if (refuses(e, POLICY_STEP_OUTSIDE_SWITCH) || refuses(e, POLICY_STEP_ANONYMOUS_SWITCH))
		begin(out, "access-edge set");
	if (refuses(e, POLICY_STEP_OUTSIDE_SWITCH))
		buffer_printf(out, " %s=true", switch_field(false));
	if (refuses(e, POLICY_STEP_ANONYMOUS_SWITCH))
		buffer_printf(out, " %s=true", switch_field(true));
	if (refuses(e, POLICY_STEP_OUTSIDE_ACCESS))
		write_policy(out, e->steps[POLICY_STEP_OUTSIDE_ACCESS].key,
		             e->steps[POLICY_STEP_OUTSIDE_ACCESS].field);
	if (refuses(e, POLICY_STEP_CONFERENCE_ADDRESS)) {
		begin(out, "conference add ");
		text_escape(out, a->facts->local_user);
		buffer_add_char(out, '@');
		text_escape(out, a->facts->local_domain);
	}
	if (refuses(e, POLICY_STEP_ORGANIZER_POLICY))
		write_policy(out, e->steps[POLICY_STEP_ORGANIZER_POLICY].key,
		             e->steps[POLICY_STEP_ORGANIZER_POLICY].field);
	if (refuses(e, POLICY_STEP_SERVICE)) {
		begin(out, "topology.xml: ");
		buffer_printf(out, "%s=direct", e->steps[POLICY_STEP_SERVICE].field);
	}
}

void policy_explain_remote(const struct policy_asking *a, struct policy_explanation *e)
{
	struct buffer out;

	buffer_start(&out, sizeof e->change - 1);
	if (refuses(e, POLICY_STEP_SENDER_DOMAIN)) {
		buffer_add(&out,
		           SLICE("none: only users of our own domains are served, which this is not: "));
		text_escape(&out, a->facts->local_domain);
	} else if (refuses(e, POLICY_STEP_SIGNED_IN)) {
		buffer_add(&out, SLICE("none: the user has to sign in first, as who he sends for"));
	} else if (is_person_called(a)) {
		buffer_add(&out,
		           SLICE("none: people without an account reach this user's meetings, not the user"));
	} else {
		write_changes(a, e, &out);
	}
	if (out.is_broken || !slice_to_text(buffer_slice(&out), e->change, sizeof e->change))
		e->change[0] = '\0';
	buffer_stop(&out);
}
