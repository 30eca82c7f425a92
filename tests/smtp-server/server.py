#!/usr/bin/env python3
"""A mail server for tests: aiosmtpd with TLS, login, refusals and silences as the test asks.

One argument, a JSON object:
    folder    where accepted mails go, as N.eml (as it came) and N.json {"from", "to", "user", "tls",
              "text", "files"}; also the certificate of the authority that signed the server's, as
              ca.pem
    security  "none", "starttls" (and nothing is taken without it) or "tls"
    host      the name in the server's certificate; the address it listens on unless given
    user, password   who has to log in
    refuse    recipients that are refused
    silent    "greeting": says nothing at all; "data": never acknowledges a mail

Prints the port that it listens on, and ends when its standard input does.
"""

import asyncio
import email.policy
import json
import logging
import os
import pathlib
import ssl
import sys
import warnings

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

ADDRESS = "127.0.0.1"
FOREVER = 3600


class Handler:
    """Takes mails."""

    def __init__(self, wanted):
        self.folder = pathlib.Path(wanted["folder"])
        self.refused = wanted.get("refuse", [])
        self.silent = wanted.get("silent")
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.silent == "data":
            await asyncio.sleep(FOREVER)
        self.count += 1
        mail = email.message_from_bytes(envelope.original_content, policy=email.policy.SMTP)
        body = mail.get_body(("plain",))
        facts = {
            "text": body.get_content().replace("\r\n", "\n") if body else "",
            "files": [part.get_filename() for part in mail.iter_attachments()],
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "user": session.auth_data,
            "tls": server.transport.get_extra_info("sslcontext") is not None,
        }
        (self.folder / f"{self.count}.eml").write_bytes(envelope.original_content)
        # Written last and whole: a test waits for this one.
        new = self.folder / f"{self.count}.new"
        new.write_text(json.dumps(facts))
        new.rename(self.folder / f"{self.count}.json")
        return "250 OK"


def tls_context(wanted):
    """The server's side of TLS, with a certificate of an authority that nobody knows."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(pathlib.Path(wanted["folder"]) / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(wanted.get("host", ADDRESS)).configure_cert(context)
    return context


def protocol(wanted, context):
    """What makes the server's side of a connection."""
    handler = Handler(wanted)
    login = {}
    if "user" in wanted:
        expected = (wanted["user"].encode(), wanted["password"].encode())

        def authenticate(server, session, envelope, mechanism, data):
            known = (data.login, data.password) == expected
            # Says the password out loud, as no server should: a client must not repeat it.
            message = f"535 5.7.8 {data.password.decode()} is wrong"
            return AuthResult(
                success=known,
                handled=False,
                message=None if known else message,
                auth_data=wanted["user"],
            )

        login = {
            "authenticator": authenticate,
            "auth_required": True,
            # aiosmtpd does not see that a connection was TLS from the beginning.
            "auth_require_tls": wanted["security"] != "tls",
        }
    starttls = {}
    if wanted["security"] == "starttls":
        starttls = {"tls_context": context, "require_starttls": True}
    return lambda: SMTP(handler, hostname="test.invalid", **starttls, **login)


async def silence(reader, writer):
    """Says nothing."""
    await asyncio.sleep(FOREVER)


async def main():
    # Clients that give up are what is tested.
    logging.disable()
    warnings.simplefilter("ignore")
    wanted = json.loads(sys.argv[1])
    loop = asyncio.get_running_loop()
    context = None if wanted["security"] == "none" else tls_context(wanted)
    if wanted.get("silent") == "greeting":
        server = await asyncio.start_server(silence, ADDRESS, 0)
    else:
        at_once = context if wanted["security"] == "tls" else None
        server = await loop.create_server(protocol(wanted, context), ADDRESS, 0, ssl=at_once)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    # Connections that are kept waiting do not matter any more.
    os._exit(0)


asyncio.run(main())
