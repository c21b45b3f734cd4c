"""Mail, when a server for it is set: RASAI_MAIL_SERVER as smtp://USER:PASSWORD@HOST:PORT, or smtps://."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from flask_babel import lazy_gettext as _l

from tracker import settings
from tracker.errors import RasaiError, SettingMissing

PATIENCE_S = 20


class NotMailed(RasaiError):
    message = _l("The mail server did not take it: {why}")


def mail_is_set() -> bool:
    return settings.from_environment().mail_server is not None


def send_mail(to: str, subject: str, words: str, attached: tuple[str, bytes] | None = None) -> None:
    """`attached`: name and bytes of a PDF. Raises NotMailed, SettingMissing."""
    chosen = settings.from_environment()
    if chosen.mail_server is None:
        raise SettingMissing(name="RASAI_MAIL_SERVER", why="no mail server is set")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = chosen.mail_from, to, subject.replace("\n", " ")
    message.set_content(words)
    if attached:
        name, data = attached
        message.add_attachment(data, maintype="application", subtype="pdf", filename=name)
    try:
        _deliver(chosen.mail_server, message)
    except (OSError, smtplib.SMTPException) as error:
        raise NotMailed(why=str(error)) from None


def _deliver(address: str, message: EmailMessage) -> None:
    at = urlsplit(address)
    host, secure = at.hostname or "localhost", at.scheme == "smtps"
    kind = smtplib.SMTP_SSL if secure else smtplib.SMTP
    with kind(host, at.port or (465 if secure else 25), timeout=PATIENCE_S) as server:
        if not secure and server.ehlo() and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        if at.username:
            server.login(unquote(at.username), unquote(at.password or ""))
        server.send_message(message)
