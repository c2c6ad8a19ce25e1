/* Objects from lines of words, for tables of cases. */
#ifndef TESTS_UNIT_MODEL_LINES_H
#define TESTS_UNIT_MODEL_LINES_H

/* "allowed-domain fabrikam.example proxy-fqdn=..." put into the snapshot; asserts that each value is good. */
static enum result put(struct model_snapshot *snapshot, const char *line)
{
	struct slice rest = slice_of(line), word;
	struct model_object *object;

	assert_true(slice_next(&rest, ' ', &word));

	const struct model_kind *kind = model_kind_named(word);

	if (kind->cardinality == MODEL_ONE) {
		object = model_snapshot_one(snapshot, kind->id);
	} else {
		object = model_object_new(&snapshot->arena, kind);
		if (!object)
			return RESULT_NO_MEMORY;
		assert_true(slice_next(&rest, ' ', &word));
		object->values[0].text = word;
	}
	while (slice_next(&rest, ' ', &word)) {
		size_t equals = slice_find(word, '=');
		size_t field = model_field_named(kind, slice_first(word, equals));

		assert_true(field < kind->field_count);
		enum result result = model_value_read(&kind->fields[field], slice_after(word, equals + 1),
		                                      &snapshot->arena, &object->values[field], NULL);
		if (result != RESULT_OK)
			return result;
	}
	return kind->cardinality == MODEL_ONE ? RESULT_OK : model_snapshot_add(snapshot, object);
}

#endif
