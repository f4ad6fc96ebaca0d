from analysis.page import network
from analysis.study import read
from tests.helpers.synthetic import block, declare_facts


def test_the_network_has_the_images_that_were_declared(sweep):
    data = {
        "cifar10": {"image": [1, 8, 8], "classes": 7, "train_size": 9, "test_size": 9, "fingerprint": "f"}
    }
    html = network.section(read([declare_facts(sweep(block()), data=data)])).body
    assert "image, 8×8" in html
    assert "linear, 7" in html


def test_the_drawing_dots_what_changes_dimensions(sweep):
    svg = network.section(read([sweep(block())])).body
    assert svg.count('class="shortcut dotted"') == 2
    assert svg.count('class="shortcut"') == 7
    assert svg.count(">3×3 conv, ") == 19
