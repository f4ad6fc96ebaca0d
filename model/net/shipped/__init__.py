"""The networks that ship beside He et al.'s: ordinary modules, each written for one replica.

A callable of (in_channels, classes, norm), and of `width` and `image_size` where it has a use for them, gives
the module; `norm(channels)` makes the layer under study. `model.net.build` makes packs of them, as of a
network of a user's own, so each is an example of one.
"""
