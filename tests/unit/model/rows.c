/* The table itself: what every row of kinds.def promises. */
#include "shared/model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define EACH_KIND(kind)                                                                                      \
	for (const struct model_kind *kind = model_kind((enum model_kind_id)0); kind;                        \
	     kind = kind->id + 1 < MODEL_KIND_COUNT ? model_kind((enum model_kind_id)(kind->id + 1)) : NULL)

enum { ARENA_BYTES = 1 << 16 };

static void names_are_written_with_hyphens(void **state)
{
	(void)state;
	EACH_KIND(kind)
	{
		assert_null(strchr(kind->name, '_'));
		for (size_t i = 0; i < kind->field_count; i++)
			assert_null(strchr(kind->fields[i].name, '_'));
	}
	assert_string_equal(
	        model_kind(MODEL_ACCESS_POLICY)
	                ->fields[MODEL_FIELD(access_policy, enable_public_cloud_audio_video_access)]
	                .name,
	        "enable-public-cloud-audio-video-access");
}

static void every_kind_is_found_by_its_name(void **state)
{
	(void)state;
	EACH_KIND(kind)
	{
		assert_ptr_equal(model_kind_named(slice_of(kind->name)), kind);
		assert_true(strlen(kind->sentence) > 10);
	}
	assert_null(model_kind_named(SLICE("")));
	assert_null(model_kind_named(SLICE("allowed-domai")));
	assert_null(model_kind_named(SLICE("allowed-domain ")));
}

static void every_field_is_found_by_its_names(void **state)
{
	(void)state;
	EACH_KIND(kind)
	{
		for (size_t i = 0; i < kind->field_count; i++) {
			assert_int_equal(model_field_named(kind, slice_of(kind->fields[i].name)), i);
			if (kind->fields[i].lync[0])
				assert_int_equal(model_field_named(kind, slice_of(kind->fields[i].lync)), i);
		}
		assert_int_equal(model_field_named(kind, SLICE("")), kind->field_count);
		assert_int_equal(model_field_named(kind, SLICE("no-such-field")), kind->field_count);
	}
	assert_int_equal(model_field_named(model_kind(MODEL_ALLOWED_DOMAIN), SLICE("PROXY_FQDN")),
	                 MODEL_FIELD(allowed_domain, proxy_fqdn));
	assert_int_equal(model_field_named(model_kind(MODEL_ALLOWED_DOMAIN), SLICE("proxyfqdn")),
	                 MODEL_FIELD(allowed_domain, proxy_fqdn));
}

static void a_kind_of_many_has_its_key_first_and_one_of_one_has_none(void **state)
{
	(void)state;
	EACH_KIND(kind)
	{
		for (size_t i = 0; i < kind->field_count; i++)
			assert_int_equal(!!(kind->fields[i].flags & MODEL_KEY),
			                 kind->cardinality == MODEL_MANY && i == 0);
		assert_int_equal(kind->key, kind->cardinality == MODEL_MANY ? 0 : kind->field_count);
	}
}

static void every_default_is_a_value_in_its_stored_form(void **state)
{
	struct arena arena;

	(void)state;
	arena_start(&arena, ARENA_BYTES);
	EACH_KIND(kind)
	{
		for (size_t i = 0; i < kind->field_count; i++) {
			const struct model_field *field = &kind->fields[i];
			struct model_value value;
			struct buffer written;
			struct reason reason = { "" };

			if (field->flags & (MODEL_KEY | MODEL_REQUIRED)) {
				assert_string_equal(field->preset, "");
				assert_true(field->min > 0);
				continue;
			}
			if (field->preset[0] == '\0' && field->type == MODEL_TEXT && field->min)
				fail_msg("%s %s has an empty default below its least length", kind->name,
				         field->name);
			if (model_value_read(field, slice_of(field->preset), &arena, &value, &reason) !=
			    RESULT_OK)
				fail_msg("%s %s: %s", kind->name, field->name, reason.text);
			buffer_start(&written, 4096);
			model_value_write(field, &value, &written);
			assert_true(slice_equal(buffer_slice(&written), slice_of(field->preset)));
			buffer_stop(&written);
		}
	}
	arena_stop(&arena);
}

static void limits_fit_their_type(void **state)
{
	(void)state;
	EACH_KIND(kind)
	{
		for (size_t i = 0; i < kind->field_count; i++) {
			const struct model_field *field = &kind->fields[i];

			assert_true(field->min <= field->max);
			if (model_type_is_list(field->type))
				assert_true(field->max > 0 && field->max <= MODEL_LIST_MAX);
			assert_int_equal(field->type == MODEL_ENUM || field->type == MODEL_CHOICES,
			                 field->choices != NULL);
			assert_true(strlen(field->sentence) > 10);
			assert_int_equal(field->sentence[strlen(field->sentence) - 1], '.');
		}
	}
}

static void choices_are_found_by_index_up_to_the_last(void **state)
{
	const struct model_field *media = &model_kind(MODEL_TOPOLOGY)->fields[MODEL_FIELD(topology, media)];

	(void)state;
	assert_true(slice_equal(model_choice(media, 0), SLICE("none")));
	assert_true(slice_equal(model_choice(media, 1), SLICE("direct")));
	assert_null(model_choice(media, 2).ptr);
	assert_null(model_choice(media, UINT64_MAX).ptr);
}

static void a_new_object_has_every_default(void **state)
{
	struct arena arena;

	(void)state;
	arena_start(&arena, ARENA_BYTES);

	struct model_object *edge = model_object_new(&arena, model_kind(MODEL_ACCESS_EDGE));

	assert_non_null(edge);
	assert_false(edge->values[MODEL_FIELD(access_edge, allow_federated_users)].flag);
	assert_true(edge->values[MODEL_FIELD(access_edge, allow_outside_users)].flag);
	assert_int_equal(edge->values[MODEL_FIELD(access_edge, max_message_body)].number, 65536);
	assert_int_equal(model_object_key(edge).len, 0);

	struct model_object *domain = model_object_new(&arena, model_kind(MODEL_ALLOWED_DOMAIN));

	assert_int_equal(domain->values[MODEL_FIELD(allowed_domain, proxy_port)].number, 5061);
	assert_non_null(domain->values[MODEL_FIELD(allowed_domain, comment)].text.ptr);
	assert_int_equal(model_object_key(domain).len, 0);
	arena_stop(&arena);
}

static void fields_that_need_another_say_which_value_and_why(void **state)
{
	const struct model_kind *edge = model_kind(MODEL_ACCESS_EDGE),
	                        *domain = model_kind(MODEL_ALLOWED_DOMAIN);
	const struct model_need *need = model_field_need(
	        edge, MODEL_FIELD(access_edge, discovered_partner_standard_rate));
	size_t count = 0;

	(void)state;
	assert_non_null(need);
	assert_int_equal(need->other, MODEL_FIELD(access_edge, enable_partner_discovery));
	assert_true(model_need_holds(need, SLICE("true")));
	assert_false(model_need_holds(need, SLICE("false")));
	assert_null(model_field_need(edge, MODEL_FIELD(access_edge, allow_federated_users)));
	need = model_field_need(domain, MODEL_FIELD(allowed_domain, proxy_port));
	assert_non_null(need);
	assert_false(model_need_holds(need, SLICE(" ")));
	assert_true(model_need_holds(need, SLICE("sip.fabrikam.example")));
	EACH_KIND(kind)
	{
		for (size_t i = 0; i < kind->field_count; i++) {
			need = model_field_need(kind, i);
			if (!need)
				continue;
			count++;
			assert_int_equal(need->field, i);
			assert_int_not_equal(need->other, i);
			assert_true(need->other < kind->field_count && strlen(need->otherwise) > 10);
			if (need->value[0] && kind->fields[need->other].type == MODEL_BOOL)
				assert_true(slice_equal(slice_of(need->value), SLICE("true")) ||
				            slice_equal(slice_of(need->value), SLICE("false")));
		}
	}
	assert_true(count > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_written_with_hyphens),
		cmocka_unit_test(every_kind_is_found_by_its_name),
		cmocka_unit_test(every_field_is_found_by_its_names),
		cmocka_unit_test(a_kind_of_many_has_its_key_first_and_one_of_one_has_none),
		cmocka_unit_test(every_default_is_a_value_in_its_stored_form),
		cmocka_unit_test(limits_fit_their_type),
		cmocka_unit_test(choices_are_found_by_index_up_to_the_last),
		cmocka_unit_test(a_new_object_has_every_default),
		cmocka_unit_test(fields_that_need_another_say_which_value_and_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
