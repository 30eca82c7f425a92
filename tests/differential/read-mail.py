#!/usr/bin/env python3
"""Prints mails as JSON, with Python's own mail parser.

    read-mail.py FILE…

A file starts with the lines of the envelope (MAIL FROM:<…>, RCPT TO:<…>) and an empty line."""
import email
import email.policy
import json
import re
import sys


def text_of(part):
    """A text part, decoded; none for anything else."""
    if part.get_content_maintype() != "text":
        return None
    payload = part.get_payload(decode=True) or b""
    text = payload.decode(part.get_content_charset() or "utf-8", "replace")
    return text.replace("\r\n", "\n")


def read(path):
    with open(path, "rb") as file:
        envelope, _, message = file.read().partition(b"\n\n")
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    parts = [part for part in parsed.walk() if not part.is_multipart()]
    attached = [part for part in parts if part.get_filename()]
    bodies = [text_of(part) for part in parts if not part.get_filename()]
    return {
        "sender": re.findall(r"(?im)^MAIL FROM:\s*<(.*?)>", envelope.decode()),
        "recipients": re.findall(r"(?im)^RCPT TO:\s*<(.*?)>", envelope.decode()),
        "headers": {name: str(parsed[name]) for name in ("From", "To", "Cc", "Subject") if parsed[name]},
        "body": "".join(body for body in bodies if body is not None),
        "attachments": [{"name": part.get_filename()} for part in attached],
    }


json.dump([read(path) for path in sys.argv[1:]], sys.stdout, indent=1)
