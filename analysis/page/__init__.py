"""The HTML report: a module and a template for each of its parts, and html.py that joins them."""
