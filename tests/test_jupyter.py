"""`%t2s` and `%%t2s` in a real IPython shell, on real databases."""

import atexit
import json
import sqlite3
import sys
import warnings

import pytest
from scripted import scripted_model

pytest.importorskip("IPython", reason="IPython is not installed")

from text2sql.serving import jupyter

TIERS = "SELECT tier, count(*) AS n FROM customers GROUP BY tier"


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Return a shell of its own, in an empty folder, with the extension loaded."""
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    # a shell takes the place of the main module, which processes that are spawned look for
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    found = InteractiveShell()
    found.run_line_magic("load_ext", "text2sql")
    yield found
    found.run_line_magic("unload_ext", "text2sql")
    found.atexit_operations()
    atexit.unregister(found.atexit_operations)


@pytest.fixture
def answers(monkeypatch):
    """Return what the model answers, one text, and what each model was opened with."""
    texts, opened = [TIERS], []

    def open_it(**chosen):
        opened.append(chosen)
        return scripted_model(lambda prompt: texts)

    monkeypatch.setattr(jupyter, "open_model", open_it)
    return texts, opened


def run(shell, code: str):
    """Run a cell as a person does; return its value, and its error in place of an exception."""
    result = shell.run_cell(code)
    return result.result, result.error_before_exec or result.error_in_exec


def test_a_cell_gives_sql_and_a_table(shell, answers, shop):
    shell.user_ns["shop"] = shop
    value, error = run(shell, "%%t2s -d {shop}\ncustomers per tier?")
    html = value._repr_html_()

    assert error is None and value.answer.sql == TIERS
    assert "GROUP BY tier" in html and html.count("<tr>") == 1 + len(value.answer.rows)
    assert "gold" in repr(value) and "3 rows" in repr(value)


def test_the_rows_become_a_data_frame_of_that_name(shell, answers, shop):
    _, error = run(shell, f"%%t2s -d {shop} --name tiers\ncustomers per tier?")

    frame = shell.user_ns["tiers"]
    assert error is None and list(frame.columns) == ["tier", "n"] and frame["n"].sum() == 400


def test_cells_ask_what_the_line_says_and_a_model_is_loaded_once(shell, answers, shop, capsys):
    shell.user_ns["shop"] = shop
    run(shell, "%t2s -d $shop --base mini")
    assert "shop (sqlite)" in capsys.readouterr().out and answers[1] == []
    for _ in range(2):
        value, error = run(shell, "%%t2s\ncustomers per tier?")
        assert error is None and value.answer.rows

    assert [chosen["base"] for chosen in answers[1]] == ["mini"]


def test_no_run_stops_at_the_sql(shell, answers, shop):
    value, _ = run(shell, f"%%t2s -d {shop} --no-run\ncustomers per tier?")

    assert value.answer.sql == TIERS and value.answer.rows == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-d nowhere.sqlite", "cannot open database nowhere.sqlite: no such file"),
        ("-d {shop} --nam df", None),  # an abbreviation, which argparse takes
        ("-d {shop} --names df", "unrecognized arguments"),
        ("-d {shop} --name 2nd", "a Python variable cannot be called that"),
        ("-d {shop} --name df --no-run", "leave one out"),
        ("-d '{shop}", "No closing quotation"),
        ("-d {shop} --user nobody", "a user is a JSON object"),
    ],
)
def test_what_cannot_be_done_is_one_line(shell, answers, shop, capsys, line, said):
    shell.user_ns["shop"] = shop
    _, error = run(shell, f"%%t2s {line}\ncustomers per tier?")
    shown = capsys.readouterr()

    assert "Traceback" not in shown.out + shown.err
    if said is None:
        assert error is None
    else:
        assert said in shown.err and len(shown.err.strip().splitlines()) == 1
        assert type(error).__name__ == "UsageError"  # which also stops "run all cells"


def test_an_empty_question_is_one_line(shell, answers, shop, capsys):
    _, error = run(shell, f"%%t2s -d {shop}\n   \n")

    assert type(error).__name__ == "UsageError" and "empty" in capsys.readouterr().err


def test_without_valid_sql_the_reason_is_shown_and_no_variable_is_set(shell, answers, shop, capsys):
    answers[0][:] = ["SELECT nam FROM customers"]
    value, error = run(shell, f"%%t2s -d {shop}\nnames?")
    assert error is None and "no column &#x27;nam&#x27;" in value._repr_html_()
    _, error = run(shell, f"%%t2s -d {shop} --name names\nnames?")

    assert "names is not set" in str(error) and "names" not in shell.user_ns
    assert "no column 'nam'" in capsys.readouterr().err


def test_cells_names_and_sql_of_strangers_are_text(shell, answers, tmp_path):
    connection = sqlite3.connect(tmp_path / "odd.sqlite")
    connection.execute('CREATE TABLE notes (note TEXT, "<b>kind</b>" TEXT)')
    connection.execute("INSERT INTO notes VALUES (?, NULL)", ("<script>alert('1')</script>$x$",))
    connection.commit()
    connection.close()
    answers[0][:] = ["""SELECT note, "<b>kind</b>", '<img src=x>' AS i FROM notes"""]
    value, error = run(shell, "%%t2s -d odd.sqlite\nnotes?")
    html = value._repr_html_()

    assert error is None and value.answer.rows
    assert not {"<script", "<b>", "<img"} & {
        tag for tag in ("<script", "<b>", "<img") if tag in html
    }
    assert "&lt;script&gt;" in html and "mathjax_ignore" in html  # no formula of $x$


def test_long_results_and_long_cells_are_cut_and_say_so(shell, answers, shop):
    answers[0][:] = ["SELECT order_id, hex(zeroblob(500)) AS long FROM orders"]
    value, _ = run(shell, f"%%t2s -d {shop}\norders?")
    html = value._repr_html_()

    assert html.count("<tr>") == 1 + 50 and "1,800 rows, the first 50 are shown" in html
    assert "0" * 200 + "…" in html and "0" * 201 not in html


def test_a_policy_holds_and_what_ran_is_shown(shell, answers, shop, tmp_path):
    rule = {"rows": "tier = {{ user.tier }}"}
    (tmp_path / "policy.yaml").write_text(json.dumps({"tables": {"customers": rule}}))
    shell.user_ns |= {"shop": shop, "me": {"tier": "gold"}}
    run(shell, "%t2s -d {shop} --policy policy.yaml --user me")
    value, error = run(shell, "%%t2s\ncustomers per tier?")

    assert error is None and [tier for tier, _ in value.answer.rows] == ["gold"]
    assert "as it ran under the policy" in value._repr_html_() and "kept back" in repr(value)
    given = """%%t2s --user '{"tier":"silver"}'\ncustomers per tier?"""
    assert [tier for tier, _ in run(shell, given)[0].answer.rows] == ["silver"]


def test_the_line_reads_the_policy_again(shell, answers, shop, tmp_path):
    shell.user_ns["shop"] = shop
    (tmp_path / "policy.yaml").write_text("tables: {customers: all}\n")
    run(shell, "%t2s -d {shop} --policy policy.yaml")
    assert run(shell, "%%t2s\ncustomers per tier?")[0].answer.error is None
    (tmp_path / "policy.yaml").write_text("tables: {orders: all}\n")
    run(shell, "%t2s -d {shop} --policy policy.yaml")

    assert "no table 'customers'" in run(shell, "%%t2s\ncustomers?")[0].answer.error


def test_the_bundled_base_answers_in_a_shell(shell, shop):
    value, error = run(shell, f"%%t2s -d {shop} --base mini\nHow many customers are there?")

    assert error is None and value.answer.rows == [(400,)]


def test_a_bar_that_cannot_be_shown_is_no_warning(shell):
    with warnings.catch_warnings(record=True) as heard:
        warnings.warn("IProgress not found. Please update jupyter", stacklevel=1)
        warnings.warn("another", stacklevel=1)
    assert [str(w.message) for w in heard] == ["another"]


def test_the_extension_goes_away_and_comes_back(shell, answers, shop):
    run(shell, f"%%t2s -d {shop}\ncustomers?")
    shell.run_line_magic("unload_ext", "text2sql")
    assert "t2s" not in shell.magics_manager.magics["cell"]
    shell.run_line_magic("load_ext", "text2sql")

    assert run(shell, f"%%t2s -d {shop}\ncustomers?")[0].answer.rows
