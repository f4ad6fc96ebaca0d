import json

from markupsafe import Markup

from analysis.page import html


def test_data_cannot_close_its_script():
    text = html.inert_json(
        {"a": "</script><!-- &amp;\u2028", "b": [float("nan"), float("inf"), 1.5], 3: (1, 2)}
    )
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!-- &amp;\u2028", "b": [None, None, 1.5], "3": [1, 2]}


def test_cells_are_escaped_and_sort_by_their_value():
    columns = [html.Column("a", "<A>"), html.Column("b", "B", True, 2)]
    shown = html.Shown("x", Markup("<i>X</i>"))
    table = html.table(columns, [["<b>", 1.23456], [None, float("nan")], [shown, 2]], "a & b")
    assert "&lt;A&gt;" in table
    assert "<td>&lt;b&gt;</td>" in table
    assert '<td class="num" data-value="1.23456">1.23</td>' in table
    assert '<td data-value="x"><i>X</i></td>' in table
    assert table.count("–") == 2
    assert "<caption>a &amp; b</caption>" in table


def test_the_policy_names_the_scripts_and_nothing_else():
    page = html.document(title="t", opening=Markup(), sections=[], data={}, live=False, footer="")
    policy = page.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.count("sha256-") == page.count("<script>") == 2
    script = policy.split("script-src ")[1]
    assert "unsafe" not in script
    assert "http" not in policy
