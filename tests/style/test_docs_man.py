import re
import subprocess

import pytest

import docs_control
import docs_man


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man")
    docs_man.write(folder)
    return folder


@pytest.mark.parametrize("name", docs_man.PAGES)
def test_a_page_is_clean(pages, name):
    """mandoc reads it without a word; it is what `man -l` of other systems uses, and stricter than groff."""
    found = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(pages / name)], capture_output=True, text=True, timeout=30)
    assert found.stdout == "" and found.returncode == 0, found.stdout


@pytest.mark.parametrize("name", docs_man.PAGES)
def test_a_page_renders_without_a_warning(pages, name):
    found = subprocess.run(["groff", "-man", "-ww", "-Tutf8", str(pages / name)], capture_output=True, text=True, timeout=30)
    assert found.returncode == 0 and found.stderr == "", found.stderr


def rendered(pages, name):
    text = subprocess.run(["mandoc", "-Tascii", "-O", "width=200", str(pages / name)], capture_output=True, text=True, check=True).stdout
    return re.sub(r".\x08", "", text)


def test_every_command_option_and_role_is_there(pages):
    text = rendered(pages, "parley.1")
    for cells in docs_control.rows("verbs.def", "VERB"):
        _, noun, verb, *_ = docs_control.flat(cells)
        if verb != "hello":
            assert f"{noun} {verb}".strip() in text
    names = [name for _, name, _, _ in docs_man.options()]
    assert len(names) >= 14 and all(f"--{name}" in text for name in names)
    assert [term for term, _ in docs_man.daemon_options()] == ["--root DIR", "--verbose", "--check"]
    assert "trace-bodies" in rendered(pages, "parleyd.8")


def test_every_field_is_there(pages):
    text = rendered(pages, "parley.conf.5")
    for kind in docs_man.docs_config.kinds():
        assert kind["name"] in text
        for field in kind["fields"]:
            assert field["name"] in text


def test_text_is_never_a_request():
    assert docs_man.escaped(".so /etc/passwd\n'x\\n -y") == "\\&.so /etc/passwd\n\\&'x\\en \\-y"
