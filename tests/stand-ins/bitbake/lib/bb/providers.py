"""bb.providers: the errors of looking for a recipe."""


class NoProvider(Exception):
    """No recipe provides what was asked for, or each that does is skipped."""
