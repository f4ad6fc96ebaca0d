"""Whose error: names in the genitive, also where a name ends in a bracket."""


def error_of(name: str, what: str = "error") -> str:
    """“GN’s error”, “the error of GN (G = 8)”."""
    return f"the {what} of {name}" if name.endswith(")") else f"{name}’s {what}"


def whose(name: str) -> str:
    """“BN’s”, “that of GN (G = 8)”: the error of another, once the word has been said."""
    return f"that of {name}" if name.endswith(")") else f"{name}’s"


def sentence_case(words: str) -> str:
    """With a capital first letter, all else as it is."""
    return words[:1].upper() + words[1:]
