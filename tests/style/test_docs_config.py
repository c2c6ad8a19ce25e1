import re

import docs_config


def test_config_page_is_written_from_the_rows():
    assert docs_config.PAGE.read_text() == docs_config.page(), "run make docs-tables"


def test_every_row_was_read():
    text = docs_config.ROWS.read_text()
    found = docs_config.kinds()
    assert len(found) == len(re.findall(r"^KIND\(", text, re.M)) > 5
    assert sum(len(k["fields"]) for k in found) == len(re.findall(r"^FIELD\(", text, re.M)) > 40


def test_a_text_with_commas_and_quotes_is_one_cell():
    assert docs_config.cells('FIELD(a, b, TEXT, 0, "x, y", 1, 2, "", NULL, "", "say \\"z\\", twice")') == [
        "a", "b", "TEXT", "0", "x, y", "1", "2", "", "NULL", "", 'say "z", twice']
