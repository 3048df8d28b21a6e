"""Sends a message with smtplib: SECURITY HOST PORT CA USER PASSWORD COUNT SENDER RECIPIENT... < MESSAGE"""
import smtplib
import ssl
import sys

security, host, port, ca, user, password, count, sender, *recipients = sys.argv[1:]
message = sys.stdin.buffer.read()
if security == "implicit":
    server = smtplib.SMTP_SSL(host, int(port), context=ssl.create_default_context(cafile=ca))
else:
    server = smtplib.SMTP(host, int(port))
if security == "starttls":
    server.starttls(context=ssl.create_default_context(cafile=ca))
if security != "none":
    server.login(user, password)
for _ in range(int(count)):
    refused = server.sendmail(sender, recipients, message)
    if refused:
        sys.exit(repr(refused))
server.quit()
