import gzip
import json
from hashlib import sha256
from importlib import resources

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
    assert "<caption><span>a &amp; b</span></caption>" in table


def test_the_policy_names_the_scripts_and_nothing_else():
    page = html.document(title="t", opening=Markup(), sections=[], data={}, live=False, footer="")
    policy = page.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.count("sha256-") == 2, "its own, and Plotly unpacked"
    assert page.count("<script>") == 1
    script = policy.split("script-src ")[1]
    assert "unsafe" not in script
    assert "http" not in policy


def test_the_plotly_in_the_page_is_what_npm_has():
    packed = resources.files("analysis") / "assets/vendor/plotly-cartesian.min.js.gz"
    script = gzip.decompress(packed.read_bytes())
    assert b"plotly.js (cartesian - minified) v4.1.1" in script[:200]
    # of plotly-cartesian.min.js in https://registry.npmjs.org/plotly.js-cartesian-dist-min/-/plotly.js-cartesian-dist-min-4.1.1.tgz
    assert sha256(script).hexdigest() == "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a"
