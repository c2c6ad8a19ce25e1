/* What a change did, would do, or waits to do: changes, staged ones, dry runs, versions. */
#include "tui/cli/render.h"

#include "tui/client/shown.h"
#include "tui/client/words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct slice text_of(const struct json *object, const char *member)
{
	return json_as_slice(json_get(object, member));
}

static void line_value(struct buffer *out, const struct print_style *style, const struct json *object,
                       const char *member)
{
	print_value(out, style, json_get(object, member), PRINT_TEXT);
}

static void render_change(struct buffer *out, const struct print_style *style, const struct json *change)
{
	struct slice what = text_of(change, "what");
	bool is_field = slice_equal(what, SLICE("changed"));

	buffer_add(out, slice_equal(what, SLICE("added")) ? SLICE("+ ")
	                : is_field                        ? SLICE("~ ")
	                                                  : SLICE("- "));
	line_value(out, style, change, "kind");
	if (!slice_is_empty(text_of(change, "key"))) {
		buffer_add_char(out, ' ');
		line_value(out, style, change, "key");
	}
	if (is_field) {
		buffer_add_char(out, ' ');
		line_value(out, style, change, "field");
		buffer_add(out, SLICE(": "));
		line_value(out, style, change, "before");
		buffer_add(out, SLICE(" -> "));
		line_value(out, style, change, "after");
	}
	buffer_add_char(out, '\n');
}

/* What was done, or would be, and is doubtful. */
void render_warnings(struct buffer *out, const struct print_style *style, const struct json *warnings)
{
	for (size_t i = 0; i < json_count(warnings); i++) {
		const struct json *warning = json_at(warnings, i);

		buffer_add(out, slice_of(_("warning: ")));
		line_value(out, style, warning, "path");
		buffer_add(out, SLICE(": "));
		line_value(out, style, warning, "why");
		if (!slice_is_empty(text_of(warning, "allowed"))) {
			buffer_add(out, slice_of(_("; better: ")));
			line_value(out, style, warning, "allowed");
		}
		buffer_add_char(out, '\n');
	}
}

static void render_list_of_changes(struct buffer *out, const struct print_style *style,
                                   const struct json *result)
{
	const struct json *changes = json_get(result, "changes");
	long long total = (long long)json_as_number(json_get(result, "total"), 0);

	for (size_t i = 0; i < json_count(changes); i++)
		render_change(out, style, json_at(changes, i));
	if (total > (long long)json_count(changes))
		buffer_printf(out, _("... and %lld more\n"), total - (long long)json_count(changes));
}

static void render_problems(struct buffer *out, const struct print_style *style, const struct json *problems,
                            const char *heading)
{
	if (json_count(problems))
		buffer_printf(out, "%s\n", heading);
	for (size_t i = 0; i < json_count(problems); i++) {
		const struct json *p = json_at(problems, i);

		buffer_add(out, SLICE("! "));
		line_value(out, style, p, "kind");
		buffer_add_char(out, ' ');
		line_value(out, style, p, "key");
		buffer_add_char(out, ' ');
		line_value(out, style, p, json_get(p, "mine") ? "field" : "path");
		buffer_add(out, SLICE(": "));
		line_value(out, style, p, "why");
		if (json_get(p, "mine")) {
			buffer_add(out, slice_of(_(" (mine: ")));
			line_value(out, style, p, "mine");
			buffer_add(out, slice_of(_("; theirs: ")));
			line_value(out, style, p, "theirs");
			buffer_add(out, slice_of(_("; before: ")));
			line_value(out, style, p, "base");
			buffer_add_char(out, ')');
		}
		buffer_add_char(out, '\n');
	}
}

/* An answer to a change that was only staged, and what is left of a draft. */
static void render_staged(struct buffer *out, const struct print_style *style, const struct json *result)
{
	if (json_as_bool(json_get(result, "staged"), false))
		buffer_printf(
		        out,
		        _("staged, over version %lld; nothing is live yet: parley plan, parley publish\n"),
		        (long long)json_as_number(json_get(result, "base"), 0));
	else
		buffer_printf(out, "%s\n", _("nothing is staged"));
	render_list_of_changes(out, style, result);
	render_problems(out, style, json_get(result, "problems"),
	                _("to be put right before it can be published:"));
}

void render_stage_list(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *changes = json_get(result, "changes"), *others = json_get(result, "others");
	char shown[SHOWN_BYTES];

	if (json_count(changes) == 0)
		buffer_printf(out, "%s\n", _("you have staged nothing"));
	else
		buffer_printf(out, _("staged over version %lld (current: %lld)\n"),
		              (long long)json_as_number(json_get(result, "base"), 0),
		              (long long)json_as_number(json_get(result, "version"), 0));
	for (size_t i = 0; i < json_count(changes); i++) {
		buffer_printf(out, "%4zu ", i + 1);
		render_change(out, style, json_at(changes, i));
	}
	render_problems(out, style, json_get(result, "problems"),
	                _("to be put right before it can be published:"));
	for (size_t i = 0; i < json_count(others); i++) {
		buffer_add(out, slice_of(_("also staged by ")));
		line_value(out, style, json_at(others, i), "who");
		buffer_printf(out, _(" since %s\n"),
		              shown_time(json_as_number(json_get(json_at(others, i), "since"), 0), shown));
	}
}

void render_stage_diff(struct buffer *out, const struct print_style *style, const struct json *result)
{
	buffer_printf(out, _("against version %lld\n"),
	              (long long)json_as_number(json_get(result, "version"), 0));
	render_list_of_changes(out, style, result);
	render_problems(out, style, json_get(result, "conflicts"), _("met by what was published since:"));
}

static void render_names(struct buffer *out, const struct print_style *style, const struct json *side,
                         const char *heading)
{
	static const char *const lists[] = { "domains", "users" };

	for (size_t l = 0; l < COUNT(lists); l++) {
		const struct json *names = json_get(side, lists[l]);

		if (!json_count(names))
			continue;
		buffer_printf(out, "  %s:", heading);
		for (size_t i = 0; i < json_count(names); i++) {
			buffer_add_char(out, ' ');
			print_value(out, style, json_at(names, i), PRINT_TEXT);
		}
		buffer_add_char(out, '\n');
	}
}

static void render_plan(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *sentences = json_get(result, "sentences"),
	                  *closing = json_get(result, "connections");

	buffer_printf(out, "%s\n", _("dry run: nothing was changed"));
	render_list_of_changes(out, style, result);
	render_problems(out, style, json_get(result, "conflicts"), _("met by what was published since:"));
	buffer_printf(out, "%s\n", _("effect now:"));
	if (!slice_is_empty(text_of(result, "live"))) {
		buffer_add(out, slice_of(_("  connections are not known: ")));
		line_value(out, style, result, "live");
		buffer_add_char(out, '\n');
	}
	for (size_t i = 0; i < json_count(sentences); i++) {
		buffer_add(out, SLICE("  "));
		print_value(out, style, json_at(sentences, i), PRINT_TEXT);
		buffer_add_char(out, '\n');
	}
	for (size_t i = 0; i < json_count(closing); i++) {
		buffer_add(out, slice_of(_("  closes: ")));
		line_value(out, style, json_at(closing, i), "id");
		buffer_add_char(out, ' ');
		line_value(out, style, json_at(closing, i), "partner");
		buffer_add_char(out, '\n');
	}
	render_names(out, style, json_get(result, "lose"), _("loses"));
	render_names(out, style, json_get(result, "gain"), _("gains"));
	render_names(out, style, json_get(result, "unsure"), _("unsure"));
	render_warnings(out, style, json_get(result, "warnings"));
}

void render_version(struct buffer *out, const struct print_style *style, const struct json *result)
{
	print_members(out, style, result, "changes time total");
	if (json_count(json_get(result, "changes")) == 0)
		buffer_add(out, slice_of(_("no difference\n")));
	render_list_of_changes(out, style, result);
}

void render_changes(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *changes = json_get(result, "changes");
	long long seconds = (long long)json_as_number(json_get(result, "confirm_within"), 0);
	long long version = (long long)json_as_number(json_get(result, "version"), 0);

	if (json_as_bool(json_get(result, "dry_run"), false)) {
		render_plan(out, style, result);
		return;
	}
	if (json_get(result, "staged")) {
		render_staged(out, style, result);
		return;
	}
	if (json_count(changes) == 0)
		buffer_printf(out, _("nothing to change; version %lld stays\n"), version);
	else if (json_as_bool(json_get(result, "applied"), true))
		buffer_printf(out, _("version %lld published and applied\n"), version);
	else
		buffer_printf(out, _("version %lld published, not applied yet\n"), version);
	render_list_of_changes(out, style, result);
	if (seconds)
		buffer_printf(out, _("it goes back by itself in %lld s unless you say: parley confirm\n"),
		              seconds);
	if (!slice_is_empty(text_of(result, "note"))) {
		line_value(out, style, result, "note");
		buffer_add_char(out, '\n');
	}
	render_warnings(out, style, json_get(result, "warnings"));
}
