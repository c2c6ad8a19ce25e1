/*
 * role list: who may do what, and what each role is.
 */
#include <stdio.h>

#include "daemon/keeper/parts.h"

enum { ROLE_ROW_ROOM = 4 * 1024 };

static void put_member(struct json_writer *w, struct slice member, const char *roles, struct slice comment,
                       const char *note)
{
	json_open_object(w, NULL);
	json_put_slice(w, "member", member);
	json_put_text(w, "roles", roles);
	json_put_slice(w, "comment", comment);
	json_put_text(w, "note", note);
	json_close_object(w);
}

static void put_grant(struct json_writer *w, const struct model_object *grant)
{
	const struct model_list *list = &grant->values[MODEL_FIELD(role_grant, roles)].list;
	control_roles roles = 0;
	char text[CONTROL_ROLES_TEXT_BYTES];

	for (size_t i = 0; i < list->count; i++)
		roles |= control_roles_of(control_role_named(list->items[i]));
	put_member(w, model_object_key(grant), control_roles_text(roles, text),
	           grant->values[MODEL_FIELD(role_grant, comment)].text,
	           control_member_exists(model_object_key(grant)) ? "" : "not on this machine");
}

/* Those that no row can shut out. */
static void put_standing(struct json_writer *w, const struct control *control, const char *group)
{
	char room[LAUNCHER_USER_BYTES + sizeof MODEL_GROUP_PREFIX];

	put_member(w, SLICE("root"), "administrator", SLICE(""), "always");
	snprintf(room, sizeof room, "%s%s", MODEL_GROUP_PREFIX, group);
	put_member(w, slice_of(room), "administrator", SLICE(""),
	           control->has_admin_group ? "always: admin-group of host.xml" : "not on this machine");
}

void verb_run_ROLE_LIST(struct call *call)
{
	const struct keeper *k = call->keeper;
	const struct model_objects *rows;
	struct json_writer *w;
	struct view view;
	size_t shown = 0;

	if (!view_of(call, &view))
		return;
	rows = &view.snapshot->kinds[MODEL_ROLE_GRANT];
	w = call_open(call);
	json_open_array(w, "rows");
	put_standing(w, &k->control, k->host.admin_group);
	for (; shown < rows->count && buffer_room(w->out) > ROLE_ROW_ROOM; shown++)
		put_grant(w, rows->items[shown]);
	json_close_array(w);
	json_put_number(w, "total", (int64_t)rows->count + 2);
	json_open_array(w, "roles");
	for (enum control_role role = 0; role < CONTROL_ROLE_COUNT; role++) {
		json_open_object(w, NULL);
		json_put_text(w, "name", control_role_name(role));
		json_put_text(w, "sentence", control_role_sentence(role));
		json_close_object(w);
	}
	json_close_array(w);
	call_close(call);
}
