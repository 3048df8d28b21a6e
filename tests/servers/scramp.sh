#!/bin/bash
# scramp.sh DIR PLAIN STARTTLS IMPLICIT: starts aiosmtpd 1.4 with the SCRAM of scramp (see lib.sh), over TLS 1.2.
# Offers AUTH SCRAM-SHA-1-PLUS and SCRAM-SHA-256-PLUS, bound by tls-server-end-point, which no mail server of
# Debian's knows. Takes every message and keeps none. Does not need root.
. "$(dirname "$0")/lib.sh"

PYTHON=$SRV/aiosmtpd/bin/python
installed "$PYTHON"
[ -e "$SRV/aiosmtpd/scramp" ] || { echo "scramp is not installed" >&2; exit 69; }
cat > "$D/server.py" <<'PY'
import asyncio, base64, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
from scramp import ScramException, ScramMechanism

address, plain, starttls, implicit, certificate, key = sys.argv[1:]


async def exchange(name, server, args):
    mechanism = ScramMechanism(name)
    known = mechanism.make_auth_info("secret")
    binding = ("tls-server-end-point", open(certificate).read())
    scram = mechanism.make_server(lambda user: known, channel_binding=binding)
    try:
        scram.set_client_first(base64.b64decode(args[1]).decode())
        final = await server.challenge_auth(scram.get_server_first())
        scram.set_client_final(final.decode())
    except ScramException:
        return AuthResult(success=False, handled=False)
    end = await server.challenge_auth(scram.get_server_final())
    return AuthResult(success=end == b"", handled=False)


class Nowhere:
    async def auth_SCRAM__SHA__1__PLUS(self, server, args):
        return await exchange("SCRAM-SHA-1-PLUS", server, args)

    async def auth_SCRAM__SHA__256__PLUS(self, server, args):
        return await exchange("SCRAM-SHA-256-PLUS", server, args)

    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 taken"


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)
tls.maximum_version = ssl.TLSVersion.TLSv1_2
login = dict(hostname="localhost", auth_required=True, auth_exclude_mechanism=["PLAIN", "LOGIN"])


async def main():
    listen = asyncio.get_running_loop().create_server
    await listen(lambda: SMTP(Nowhere(), hostname="localhost"), address, int(plain))
    await listen(
        lambda: SMTP(Nowhere(), tls_context=tls, require_starttls=True, **login),
        address, int(starttls),
    )
    await listen(lambda: SMTP(Nowhere(), auth_require_tls=False, **login), address, int(implicit), ssl=tls)
    await asyncio.Event().wait()


asyncio.run(main())
PY
start "$P1 $P2 $P3" "$PYTHON" "$D/server.py" "$ADDR" "$P1" "$P2" "$P3" "$CERTS/server.pem" "$CERTS/server.key"
