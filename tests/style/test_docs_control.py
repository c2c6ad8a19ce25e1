import docs_control


def test_control_page_is_written_from_the_rows():
    assert docs_control.PAGE.read_text() == docs_control.page(), "run tests/style/docs_control.py"


def test_every_verb_row_was_read():
    text = (docs_control.TOP / "shared/control/verbs.def").read_text()
    assert len(list(docs_control.rows("verbs.def", "VERB"))) == text.count("\nVERB(") > 10
