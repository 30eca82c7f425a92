"""What the stand-in tools share: a small metadata parser, the tasks of a recipe, and the tools' own words."""

VERSION = "2.19.0"
