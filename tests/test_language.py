"""Every text has its translation, and what is said in Chinese is as right as in English."""

from __future__ import annotations

import ast
import gettext
import json
import os
import re
import shlex
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cases import read_yaml
from catalogue import CATALOGUE, CLICK, marked, read, shown_docstrings, sources
from checkout import ROOT
from commands import SETTLED, Forked
from test_cli import on_terminal, run, without_escapes

import cnncalc
from cnncalc import language
from cnncalc.cli import language_of
from cnncalc.cli.translated import WideFormatter
from cnncalc.errors import Source, columns_of
from cnncalc.formats.lines import wrap_text
from cnncalc.spec import graph_from_text

TRANSLATED = read()
PAGE = ROOT / "docs" / "chinese.md"
CASES = read_yaml(Path(__file__).parent / "errors.yaml")
# Calls that speak to the user: which of their arguments are texts.
SPEAKING = {
    "ShapeError": (0, 1), "OptionError": (0, 1), "Problem": (0, 2), "note": (0, 2), "stop": (0, 2), "missing": (1, 2),
    "CnncalcError": (0,), "UsageError": (0,), "UnknownLayerError": (0,), "NoReferenceError": (0,), "WeightError": (0,),
    "_unusable": (1, 2), "fail": (0,),
}  # fmt: skip
ROOMS = ("spec", "layers", "cli", "evidence", "formats", "pages")


@pytest.fixture
def chinese() -> Iterator[None]:
    language.use("zh")
    yield
    language.use("en")


def fields(text: str) -> set[tuple[str, str, str]]:
    """What is filled in, and how: (name, format, conversion)."""
    return {(name, form or "", how or "") for _, name, form, how in string.Formatter().parse(text) if name is not None}


def test_every_text_is_translated_and_every_translation_is_of_a_text() -> None:
    click = {text if isinstance(text, str) else text[0] for text in CLICK}
    texts = {text for _call, text in marked()} | set(shown_docstrings()) | click
    assert sorted(texts - {text for text, translation in TRANSLATED.items() if translation}) == [], (
        "run tests/write_catalogue.py, and translate what it leaves empty"
    )
    assert sorted(TRANSLATED.keys() - texts - {""}) == []


def test_a_translation_fills_in_what_the_text_does() -> None:
    for call, text in marked():
        names = {keyword.arg for keyword in call.keywords}
        if names and None not in names:
            assert {name for name, _form, _how in fields(text)} == names, text
        if names:
            assert fields(TRANSLATED[text]) == fields(text), text


def test_the_compiled_catalogue_is_up_to_date() -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    catalog = {k if isinstance(k, str) else k[0]: v for k, v in vars(compiled)["_catalog"].items()}
    assert {k: v for k, v in catalog.items() if k} == {k: v for k, v in TRANSLATED.items() if k}


def literal(node: ast.expr | None) -> bool:
    """Whether an argument is a text for people that stands there unmarked."""
    if isinstance(node, ast.IfExp):
        return literal(node.body) or literal(node.orelse)
    if isinstance(node, ast.BoolOp):
        return any(map(literal, node.values))
    if isinstance(node, ast.BinOp):
        return literal(node.left) or literal(node.right)
    if isinstance(node, ast.JoinedStr):
        return any(c.isalpha() for part in node.values if isinstance(part, ast.Constant) for c in str(part.value))
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and any(c.isalpha() for c in node.value)


def test_no_text_that_is_shown_stands_unmarked() -> None:
    found = []
    for path, tree in sources():
        for node in tree.nodes.get(ast.Call, ()):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name == "_":
                assert not isinstance(node.args[0], (ast.JoinedStr, ast.BinOp)), f"{path}:{node.lineno}"
            if path.parent.name in ROOMS or path.name == "sources.py":
                texts = [node.args[i] for i in SPEAKING.get(name, ()) if i < len(node.args)]
                texts += [k.value for k in node.keywords if k.arg in ("hint", "help", "epilog")]
                found += [f"{path}:{node.lineno}" for text in texts if literal(text)]
        for node in tree.nodes.get(ast.Assign, ()) if path.parent.name in ROOMS else ():
            names = {getattr(target, "id", "") for target in node.targets}
            if names & {"hint", "problem", "advice", "before"} and literal(node.value):
                found.append(f"{path}:{node.lineno}")
        for node in tree.nodes.get(ast.Return, ()) if path.name == "advice.py" else ():
            if literal(node.value):
                found.append(f"{path}:{node.lineno}")
    assert found == []


@pytest.mark.filterwarnings("ignore::cnncalc.errors.SpecWarning")  # told beside the error
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_a_broken_spec_is_told_in_chinese_at_the_same_place(case: dict[str, str], chinese: None) -> None:
    with pytest.raises(cnncalc.SpecError, match=r"net\.yaml") as caught:
        graph_from_text(Source("net.yaml", case["spec"]))
    said, meant = str(caught.value).split("\n"), case["message"].rstrip("\n").split("\n")
    assert len(said) == len(meant)
    for line, other in zip(said, meant, strict=True):
        if other.startswith("    "):
            assert line == other  # the line of the spec, and the caret
        else:
            assert line != other, "not translated"
            assert line.split(": ")[0] == other.split(": ")[0] or other.startswith("  ")
            assert faults(re.sub(r"^net\.yaml[\d:]*: ", "", line)) == []


def test_columns_are_aligned_in_chinese() -> None:
    lines = run("lenet5", "--lang", "zh").stdout.split("\n")
    assert lines[0] == "LeNet-5，输入 1x32x32"
    assert lines[2].split()[:4] == ["层", "类型", "输出", "参数"]
    assert {columns_of(line) for line in lines[2:11]} == {columns_of(lines[3])}
    assert lines[14].startswith("参数        可训练 60,000，固定 840；")
    table = run("compare", "lenet5", "alexnet", "--lang=zh").stdout.split("\n")
    assert {columns_of(line) for line in table[:4]} == {columns_of(table[1])}


def test_help_with_one_more_choice_fits_a_narrow_terminal() -> None:
    formatter = WideFormatter(width=40)
    formatter.write_dl([("--format [table|plain|markdown|rst|csv|json|latex|html]", "格式"), ("-o FILE", "写入文件")])
    assert formatter.getvalue().split("\n")[:2] == [
        "--format [table|plain|markdown|rst|csv|",
        "json|latex|html]" + 16 * " " + "格式",
    ]


@pytest.mark.parametrize(
    "arguments", [("resnet50",), ("compare", "lenet5", "vgg16"), ("verify", "--help"), ("kinds", "--help")]
)
@pytest.mark.parametrize("columns", [60, 80])
def test_chinese_fits_a_narrow_terminal(arguments: tuple[str, ...], columns: int) -> None:
    text = without_escapes(on_terminal(*arguments, columns=columns, LANGUAGE="zh_CN:en"))
    assert max(map(columns_of, text.split("\n"))) <= columns
    assert any(ord(c) > 0x4E00 for c in text)


def test_lines_break_between_wide_characters_but_not_before_a_comma() -> None:
    assert wrap_text("卷积层，池化 and more", 8) == ["卷积层，", "池化 and", "more"]
    assert wrap_text("卷积层，池化", 6) == ["卷积", "层，池", "化"]
    assert wrap_text("one two three", 8, 2) == ["one", "  two", "  three"]
    assert wrap_text("unbreakable", 4) == ["unbreakable"]


@pytest.mark.parametrize("format", ["json", "csv"])
@pytest.mark.parametrize(
    "arguments", [("lenet5",), ("compare", "lenet5", "xor"), ("networks", "mobile"), ("verify", "resnet18", "--fast")]
)
def test_what_programs_read_is_the_same_in_every_language(arguments: tuple[str, ...], format: str) -> None:
    if arguments[0] == "verify" and format == "csv":
        return
    english, other = (run(*arguments, "--format", format, "--lang", lang) for lang in ("en", "zh"))
    assert english.stdout == other.stdout
    assert english.stdout


@pytest.mark.parametrize("command", ["analyze", "compare", "networks", "kinds", "verify", "explain"])
def test_every_command_knows_the_option(command: str) -> None:
    text = run(command, "--help", "--lang", "zh").stdout
    assert text.startswith("用法：")
    assert "\n选项：\n" in text
    assert "--lang [en|zh]" in text
    assert "显示本帮助并退出。" in text
    wrong = run(command, "--lang", "fr", *([] if command in ("networks", "kinds") else ["lenet5"]))
    assert wrong.returncode == 2
    assert "Invalid value for '--lang': 'fr' is not one of 'en', 'zh'." in wrong.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "提示：您是不是想写 resnet18？"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW"}, "提示：您是不是想写 resnet18？"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "de_DE"}, "hint: did you mean resnet18?"),
        ({"LANGUAGE": "zh", "LC_ALL": "C"}, "提示：您是不是想写 resnet18？"),
        ({"LANG": "C"}, "hint: did you mean resnet18?"),
    ],
)
def test_the_locale_chooses_the_language(variables: dict[str, str], said: str) -> None:
    kept = {k: v for k, v in os.environ.items() if k not in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")}
    done = Forked(["resnet19"], None, {**kept, **SETTLED, **variables}).end()
    assert done.returncode == 2
    assert said in done.stderr.decode()


def test_the_last_option_that_is_known_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    assert language_of([]) == "zh"
    assert language_of(["lenet5", "--lang", "en"]) == "en"
    assert language_of(["--lang=en", "lenet5", "--lang", "zh"]) == "zh"
    assert language_of(["--lang=en", "--", "--lang", "zh"]) == "en"
    assert language_of(["lenet5", "--lang"]) == "zh"


def test_usage_errors_are_told_in_chinese() -> None:
    for arguments, said in (
        (("lenet5", "--set", "x"), "错误：“x”不是 NAME=VALUE 的形式。"),
        (("lenet5", "--forma", "csv"), "错误：没有选项"),
        (("lenet5", "--format", "xml"), "'--format' 的值无效：'xml' 不是 "),
        (("analyze",), "错误：请给出 SPEC 或 -e NET。"),
        (("compare",), "错误：缺少参数 'SPECS...'"),
        (("verifi",), "“verifi”既不是命令，也不是网络描述：您是不是想写 verify？"),
        (("kinds", "cnov"), "没有类型“cnov”\n  提示：您是不是想写 conv？"),
    ):
        done = run("--lang", "zh", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr


def test_pages_say_which_language_they_are_in() -> None:
    assert '<html lang="zh">' in run("lenet5", "--format", "html", "--lang", "zh").stdout
    assert '<html lang="en">' in run("lenet5", "--format", "html").stdout


def test_a_report_in_markdown_is_chinese() -> None:
    lines = run("lenet5", "--format", "markdown", "--lang", "zh").stdout.split("\n")
    assert lines[0] == "### LeNet-5，输入 1x32x32"
    assert [cell.strip() for cell in lines[2].strip("|").split("|")][:3] == ["层", "类型", "输出"]


def test_columns_can_be_chosen_by_their_chinese_headings() -> None:
    text = run("lenet5", "--lang", "zh", "--columns", "层,感受野").stdout
    assert text.split("\n")[2].split() == ["层", "感受野"]


def test_english_loads_nothing_for_other_languages() -> None:
    code = (
        "import sys\nfrom cnncalc.cli import main\n"
        "try:\n    main(['lenet5'])\nexcept SystemExit:\n    pass\n"
        "print(json.dumps([m for m in sys.modules if m in ('cnncalc.cli.translated', 'cnncalc.formats.lines')]))"
    )
    done = subprocess.run([sys.executable, "-c", "import json\n" + code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.split("\n")[-2]) == []


HAN = "\u3400-\u9fff"
WIDE = "，。；：、！？（）“”"
PROSE = (  # what Chinese text never has; as it stands without code, quotations and what is filled in
    ("a half-width mark", rf"[{HAN}{WIDE}] ?[,;:!?](?!\w)|[,;:!?] ?[{HAN}]|[{HAN}]\.(?:\s|$)"),
    ("a space beside a full-width mark", rf"[{WIDE}] (?! )|[^ \n] [{WIDE}]"),
    ("half-width brackets", rf"[{HAN}] ?\((?:[A-Za-z .%]*|[^()]*[{HAN}][^()]*)\)"),
    ("a space between characters", rf"[{HAN}] [{HAN}]"),
    ("an English sentence", r"(?:\b[a-z]{2,} ){3,}[a-z]{2,}\b"),
)


def faults(text: str) -> list[str]:
    """What is not set as Chinese is."""
    bare = re.sub(r"`[^`]*`|'[^']*'|\{[^{}]*\}", "x", text)
    return [name for name, pattern in PROSE if re.search(pattern, bare)]


def glossary() -> list[tuple[str, str, list[str]]]:
    """The rows of docs/chinese.md: the English word, the Chinese one, and those that are not said."""
    rows = re.findall(r"^\| ([a-z -]+?)(?: \(.*\))? \| (\S+) \| ?(.*?) ?\|$", PAGE.read_text(encoding="utf-8"), re.M)
    return [(word, said, [other for other in others.split(", ") if other]) for word, said, others in rows]


def test_chinese_is_set_as_chinese_is() -> None:
    found = {text: faults(text) for text in TRANSLATED.values() if re.search(f"[{HAN}]", text)}
    assert {text: wrong for text, wrong in found.items() if wrong} == {}
    broken = [
        text
        for text in TRANSLATED.values()
        if re.search(r"[^\n]\n[^\n]|'\{\w+\}'", text) and re.search(f"[{HAN}]", text)
    ]
    assert broken == [], "a paragraph is one line, and names stand in full-width quotes"
    edges = {text: said for text, said in TRANSLATED.items() if text and said != said.strip() and text == text.strip()}
    assert edges == {}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("参数:可训练", "a half-width mark"), ("层, 参数", "a half-width mark"), ("没有层.", "a half-width mark"),
        ("没有选项。 请改正", "a space beside a full-width mark"), ("向上取整 (ceil)", "half-width brackets"),
        ("提示(见下)", "half-width brackets"), ("特征 图", "a space between characters"),
        ("错误：there is no such layer", "an English sentence"),
    ],
)  # fmt: skip
def test_what_is_not_chinese_is_found(text: str, wrong: str) -> None:
    assert faults(text) == [wrong]
    assert faults("输入 (C, *size)，用 `add: [a, b]` 相加：6 到 10^12（含）。") == []


def test_no_translation_is_the_english_text() -> None:
    same = [
        text for text, said in TRANSLATED.items() if text == said and re.search(r"(?:\b[a-z]{2,} ){2,}[a-z]{2,}", text)
    ]
    assert same == ["git lfs pull"]  # a command


@pytest.mark.parametrize("row", glossary(), ids=lambda row: row[0])
def test_one_word_for_one_thing(row: tuple[str, str, list[str]]) -> None:
    word, said, others = row
    misnamed = [text for text in TRANSLATED.values() for other in others if other in text]
    assert misnamed == [], f"{word} is {said}: docs/chinese.md"
    if word in ("unit", "kind", "block", "key", "feature map"):  # these have other meanings, too
        return
    pattern = re.compile(rf"\b{word}(?:s|es)?\b", re.IGNORECASE)
    missing = [
        (text, translation)
        for text, translation in TRANSLATED.items()
        if pattern.search(re.sub(r"`[^`]*`|\{[^{}]*\}", "", text)) and re.search(f"[{HAN}]", translation)
        and said not in translation and not pattern.search(re.sub(r"\{[^{}]*\}", "", translation))
    ]  # fmt: skip
    assert missing == [], f"{word} is {said}: docs/chinese.md"


SHOWN = """
lenet5 --batch 4 | resnet18 --expand | -e '224x224x3; conv 8 k3' | lenet5 --columns nothing | lenet5 --batch 0
explain lenet5 | explain resnet18 layer1/1 receptive_field | explain lenet5 total params | explain lenet5 C3 nothing
explain -e '10x20; lstm 5' | explain -e '3x8x8; transposed_conv 4 k4 s2 p1; maxpool k3 s2 ceil; softmax' --symbolic
check lenet5 C3.params=1500 C1.output=6x27x27 total.params=61706 C3.receptive_field=10 S2.params=0 C9.params=1 --explain
check lenet5 C3.params=2400 C1.params=x --hint | check lenet5 | check lenet5 nothing.csv
exercise --seed 5 --level hard --answers | exercise --like lenet5 --seed 2 | exercise lenet5 --level medium
verify lenet5 --all | verify unet --fast --quantity params | conventions | conventions lenet5
conventions resnet18 --reconcile thop fvcore | identify lenet5-modern 61706 | identify resnet18 1.8 GFLOPs
diff lenet5 lenet5-modern | compare lenet5 resnet18 | networks | lint specs | lint --list
lint --explain unread-pixels | lint -e '1x9x9; conv 4 k3 s3 p1 nobias; conv 4 k2 s2 bn'
rf lenet5 --to C5 | rf unet --alignment | rf resnet18 --coverage | rf lenet5 --effective | rf unet --halo
rf lenet5 --unit 'C3[2,3]' --exact | rf lenet5 --all-units --unit C5 | convert lenet5 - | convert lenet5 net.xyz
nothing.yaml | /tmp | lock nothing.yaml | format nothing.yaml | kinds cnov | lenett | lenet5 --nothing | compare
kinds conv | kinds maxpool | kinds batchnorm | kinds dense | kinds lstm | kinds attention | kinds add | kinds gelu
--help | analyze --help | check --help | exercise --help | identify --help | rf --help | lint --help | lock --help
convert --help | conventions --help | diff --help | explain --help | format --help | verify --help | kinds --help
"""
# Names of the language and of tools, formulas, and what others wrote: papers, code, the text of a spec.
NOT_OURS = re.compile(
    r"^(?:来源|[\w.-]+：.*\b(?:19|20)\d\d\b)|^    |^ *\|.*\|$|^(?:name|source): |[╱─-▟]|def facts|^```|^=+ "
)


def test_what_commands_print_is_chinese() -> None:
    calls = [shlex.split(call) for line in SHOWN.strip().split("\n") for call in line.split(" | ")]
    code = (
        "import json, sys\nfrom cnncalc.cli import main\nsys.stderr = sys.stdout\n"
        "for call in json.loads(sys.argv[1]):\n    print('=== ' + ' '.join(call), flush=True)\n"
        "    try:\n        main([*call, '--lang', 'zh'])\n    except SystemExit:\n        pass\n"
    )
    done = Forked([json.dumps(calls)], ROOT, {**os.environ, **SETTLED, "COLUMNS": "1000"}, code=code).end(120)
    assert done.returncode == 0, done.stderr
    told = done.stdout.decode()
    assert "Traceback" not in told
    found = {}
    call = ""
    for line in told.split("\n"):
        call = line if line.startswith("=== ") else call
        text = re.sub(r"^\S*?: (?=\S)", "", line)  # file:line:column
        cells = re.split(r" {2,}", text.strip())
        wrong = [] if NOT_OURS.search(line) else sorted({fault for cell in cells for fault in faults(cell)})
        if wrong:
            found[call + ": " + line] = wrong
    assert found == {}, "\n".join(found)
