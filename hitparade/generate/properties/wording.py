"""The wording that descriptions share."""


def listed(names: tuple[str, ...]) -> str:
    """Return names as a list in words."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def capital(sentence: str) -> str:
    """Return a sentence with a capital letter, unless it begins with a formula."""
    return sentence if "(" in sentence.split()[0] else sentence[0].upper() + sentence[1:]
