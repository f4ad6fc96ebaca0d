"""A node whose devices do not work, whatever Ray was told of them."""

#: A sitecustomize.py, loaded by every Python process of that node.
NO_DEVICE = """\
import sys
class Break:
    def find_spec(self, name, path=None, target=None):
        if name == "orchestrator.execution.worker":
            import orchestrator.execution.device as device
            device.device_trouble = lambda kind: "a stand-in says so"
sys.meta_path.insert(0, Break())
"""
