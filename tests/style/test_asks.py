"""Each ask of tests/tables/asks.txt is proved by tests that are in the tree, or says why by none."""
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ASKS = 30


def rows():
    lines = [line for line in (TESTS / "tables/asks.txt").read_text().splitlines() if line and not line.startswith("#")]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def in_the_tree():
    """Tests of pytest, and cases that a unit test program is given to run."""
    found = set()
    for path in TESTS.rglob("test_*.py"):
        found |= set(re.findall(r"^def (test_\w+)\(", path.read_text(), re.M))
    for path in (TESTS / "unit").rglob("*.[ch]"):
        found |= set(re.findall(r"\bcmocka_unit_test\w*\(\s*(\w+)", path.read_text()))
    return found


def test_there_are_as_many_rows_as_asks():
    assert [row[0] for row in rows()] == [str(number + 1) for number in range(ASKS)]
    assert all(len(row) == 4 and row[1] for row in rows())


def test_each_is_proved_by_tests_that_there_are_or_says_why_not():
    there = in_the_tree()
    assert len(there) > 500
    for number, ask, names, reason in rows():
        wanted = [name.strip() for name in names.split(",") if name.strip()]
        assert wanted or reason, f"{number} ({ask}): no test and no reason"
        missing = [name for name in wanted if name not in there]
        assert not missing, f"{number} ({ask}): there is no test called {missing}"
