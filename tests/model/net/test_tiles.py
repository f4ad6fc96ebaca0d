"""Every convolution has tiles, whatever its channels and places."""

from itertools import product

from model.net.tiles import tile, tiles


def test_a_tile_is_a_power_of_two_that_tensor_cores_take():
    assert [tile(channels) for channels in (1, 3, 16, 17, 32, 48, 64, 65, 512)] == [
        16, 16, 16, 32, 32, 64, 64, 64, 64,
    ]  # fmt: skip


def test_every_size_has_tiles_that_divide_no_warp():
    for kernel, channels, places in product(
        ("forward", "backward", "weights"), (3, 16, 40, 512), (1, 128, 2048, 10**8)
    ):
        of = tiles(kernel, channels, places)
        sizes = (of.places, of.terms, of.channels)
        assert all(size >= 16 and size & (size - 1) == 0 for size in sizes), "tl.dot takes no others"
        assert of.channels <= tile(channels), "no more columns than there are channels"
