"""What Python's email package sees in the messages whose files are named on stdin: a line of JSON each."""
import email
import email.header
import email.policy
import email.utils
import hashlib
import json
import sys


def decoded(value):
    unfolded = "".join(value.splitlines())
    return str(email.header.make_header(email.header.decode_header(unfolded)))


def tree(part):
    kind = part.get_content_type()
    if not part.is_multipart():
        return kind
    return kind.split("/")[1] + "(" + " ".join(tree(child) for child in part.iter_parts()) + ")"


def leaf(part, old):
    octets = part.get_payload(decode=True)
    disposition = part["content-disposition"]
    found = {
        "kind": part.get_content_type(),
        "disposition": disposition.content_disposition if disposition else "",
        "name": disposition.params["filename"] if disposition else "",
        "id": part["content-id"] or "",
        "sha": hashlib.sha256(octets).hexdigest(),
    }
    # As one reads it who knows no RFC 2231.
    found["old_name"] = decoded(old.get_param("name") or "")
    if not found["disposition"]:
        found["text"] = octets.decode(part.get_content_charset()).replace("\r\n", "\n")
    return found


for path in sys.stdin.read().splitlines():
    with open(path, "rb") as file:
        octets = file.read()
    message = email.message_from_bytes(octets, policy=email.policy.default)
    older = email.message_from_bytes(octets, policy=email.policy.compat32)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    old_leaves = [part for part in older.walk() if not part.is_multipart()]
    json.dump({
        "subject": message["subject"],
        "to": [decoded(name) for name, _ in email.utils.getaddresses([older["to"]])],
        "tree": tree(message),
        "defects": [str(defect) for part in message.walk() for defect in part.defects],
        "leaves": [leaf(part, old) for part, old in zip(leaves, old_leaves)],
    }, sys.stdout)
    print()
