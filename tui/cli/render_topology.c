/* The topology as text: the tree of what there is with what is live, and lists of its kinds. */
#include "tui/cli/render.h"
#include "tui/client/words.h"

enum { TREE_TEXT_MAX = 256 * 1024, TREE_INDENT = 2, TREE_DEPTH_MAX = 8 };

static const struct print_column tree_columns[] = {
	{ N_("TOPOLOGY"), "shown", PRINT_TEXT },    { N_("KIND"), "kind", PRINT_TEXT },
	{ N_("STATE"), "state", PRINT_TEXT },       { N_("SINCE"), "since", PRINT_AGE },
	{ N_("VERSION"), "version", PRINT_NUMBER }, { N_("CONNS"), "connections", PRINT_NUMBER },
	{ N_("NOTE"), "note", PRINT_TEXT },         { NULL, NULL, PRINT_TEXT },
};

/* A name with a blank before it for every level, as a member of its own. */
static void put_shown(struct json_writer *w, struct slice name, int64_t depth)
{
	struct buffer shown;

	buffer_start(&shown, CONTROL_LINE_MAX);
	for (int64_t i = 0; i < depth * TREE_INDENT && i < TREE_DEPTH_MAX * TREE_INDENT; i++)
		buffer_add_char(&shown, ' ');
	buffer_add(&shown, name);
	json_put_slice(w, "shown", buffer_slice(&shown));
	buffer_stop(&shown);
}

void render_topology(struct buffer *out, const struct print_style *style, const struct json *result)
{
	const struct json *tree = json_get(result, "tree"), *value;
	struct json *rows = NULL;
	struct slice name;
	struct buffer text;
	struct json_writer w = json_write(&text);

	buffer_start(&text, TREE_TEXT_MAX);
	json_open_array(&w, NULL);
	for (size_t i = 0; i < json_count(tree); i++) {
		const struct json *row = json_at(tree, i);

		json_open_object(&w, NULL);
		for (size_t m = 0; json_member(row, m, &name, &value); m++) {
			char key[32];

			if (slice_to_text(name, key, sizeof key))
				json_write_value(&w, key, value);
		}
		put_shown(&w, json_as_slice(json_get(row, "name")),
		          json_as_number(json_get(row, "depth"), 0));
		json_close_object(&w);
	}
	json_close_array(&w);
	if (!text.is_broken && json_read(buffer_slice(&text), &rows, NULL) == RESULT_OK)
		print_table(out, style, tree_columns, rows);
	json_free(&rows);
	buffer_stop(&text);
}
