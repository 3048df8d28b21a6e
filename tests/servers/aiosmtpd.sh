#!/bin/bash
# aiosmtpd.sh DIR PLAIN STARTTLS IMPLICIT: starts aiosmtpd 1.4 (see lib.sh). Offers AUTH PLAIN and LOGIN,
# neither PIPELINING nor CHUNKING. Each message becomes one file of DIR/mail,
# with a Delivered-To for each recipient. Does not need root.
. "$(dirname "$0")/lib.sh"

PYTHON=$SRV/aiosmtpd/bin/python
installed "$PYTHON"
mkdir -p "$D/mail"
cat > "$D/server.py" <<'PY'
import asyncio, itertools, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

directory, address, plain, starttls, implicit, certificate, key = sys.argv[1:]
numbers = itertools.count(1)


class Mailbox:
    async def handle_DATA(self, server, session, envelope):
        name = f"{directory}/mail/{next(numbers)}"
        with open(name + ".part", "wb") as f:
            f.writelines(f"Delivered-To: {r}\r\n".encode() for r in envelope.rcpt_tos)
            f.write(envelope.content)
        os.rename(name + ".part", name + ".eml")
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"bench", b"secret"), handled=False)


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)
common = dict(hostname="localhost", enable_SMTPUTF8=True, data_size_limit=1 << 30)
login = dict(authenticator=authenticate, auth_required=True)


async def main():
    listen = asyncio.get_running_loop().create_server
    await listen(lambda: SMTP(Mailbox(), **common), address, int(plain))
    await listen(
        lambda: SMTP(Mailbox(), tls_context=tls, require_starttls=True, **login, **common),
        address, int(starttls),
    )
    await listen(
        lambda: SMTP(Mailbox(), auth_require_tls=False, **login, **common),
        address, int(implicit), ssl=tls,
    )
    await asyncio.Event().wait()


asyncio.run(main())
PY
start "$P1 $P2 $P3" "$PYTHON" "$D/server.py" "$D" "$ADDR" "$P1" "$P2" "$P3" "$CERTS/server.pem" "$CERTS/server.key"
