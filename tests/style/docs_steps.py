"""The steps of a decision, and what to do about each, in docs/guides/4-verify.md, from daemon/policy/steps.def and refusals.def.

`/usr/bin/python3 tests/style/docs_steps.py` writes them; test_docs_steps.py fails when the page and the rows differ."""
import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs/guides/4-verify.md"
BEGIN, END = "<!-- steps -->\n", "<!-- end steps -->"


def rows(name, macro):
    """(name, status, diagnostic, texts...) of each row."""
    text = re.sub(r"/\*.*?\*/", "", (TOP / "daemon/policy" / name).read_text(), flags=re.S)
    for m in re.finditer(rf"^{macro}\(\w+, (.*)\)\s*$", text, re.M):
        cells = re.findall(r'"((?:\\.|[^"\\])*)"|(\d+)', m[1])
        yield [a or b for a, b in cells]


def table():
    out = ["Of requests, in the order in which the steps are asked (written from the tables; do not edit by hand):", "",
           "| step | answer | asks | what to do |", "|---|---|---|---|"]
    for name, status, diagnostic, asks, _, advice in rows("steps.def", "STEP"):
        out.append(f"| `{name}` | {status}, ms-diagnostics {diagnostic} | {asks} | {advice} |")
    out += ["", "Refused beside them:", "", "| reason | answer | what is said | what to do |", "|---|---|---|---|"]
    for name, status, diagnostic, said, advice in rows("refusals.def", "REFUSAL"):
        out.append(f"| `{name}` | {status}, ms-diagnostics {diagnostic} | {said} | {advice} |")
    return "\n".join(out) + "\n"


def page(text):
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
