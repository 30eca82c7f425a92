"""The part of OE-core's Python modules that an upstream check needs."""
