"""Whether this machine is about to be taken away, as its cloud tells a spot machine before.

`notice.py`: what is told; a file for each cloud; `service.py`: which of them is this machine's.
"""
