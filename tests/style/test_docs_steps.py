import docs_steps


def test_the_steps_are_written_from_the_rows():
    text = docs_steps.PAGE.read_text()
    assert text == docs_steps.page(text), "run tests/style/docs_steps.py"


def test_every_row_was_read():
    for name, macro in (("steps.def", "STEP"), ("refusals.def", "REFUSAL")):
        text = (docs_steps.TOP / "daemon/policy" / name).read_text()
        assert len(list(docs_steps.rows(name, macro))) == text.count(f"\n{macro}(") > 8
