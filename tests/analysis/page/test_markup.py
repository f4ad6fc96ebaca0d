import json

from analysis.page import markup


def test_data_cannot_close_its_script():
    text = markup.inert_json(
        {"a": "</script><!-- &amp;\u2028", "b": [float("nan"), float("inf"), 1.5], 3: (1, 2)}
    )
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!-- &amp;\u2028", "b": [None, None, 1.5], "3": [1, 2]}


def test_cells_are_escaped_and_sort_by_their_value():
    columns = [markup.Column("a", "<A>"), markup.Column("b", "B", True, 2)]
    html = markup.table(columns, [["<b>", 1.23456], [None, float("nan")], [("x", "<i>X</i>"), 2]], "a & b")
    assert "&lt;A&gt;" in html
    assert "<td>&lt;b&gt;</td>" in html
    assert '<td class="num" data-value="1.23456">1.23</td>' in html
    assert '<td data-value="x"><i>X</i></td>' in html
    assert html.count("–") == 2
    assert "<caption>a &amp; b</caption>" in html


def test_the_policy_names_the_scripts_and_nothing_else():
    html = markup.document(title="t", hero="", sections=[], data={}, status="", footer="")
    policy = html.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.count("sha256-") == html.count("<script>") == 2
    script = policy.split("script-src ")[1]
    assert "unsafe" not in script
    assert "http" not in policy
