"""The pages of the mail catcher. Every word that came by mail is escaped."""

from collections.abc import Sequence
from email.message import EmailMessage
from html import escape

from devstack.mail.store import Mail

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
  color: #1c1917; background: #fafaf9 }
a { color: #1d4ed8; text-decoration: none } a:hover { text-decoration: underline }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #e7e5e4;
  vertical-align: top }
iframe { width: 100%; height: 32rem; border: 1px solid #d6d3d1; background: #fff }
pre { white-space: pre-wrap; background: #fff; border: 1px solid #d6d3d1; padding: 1rem }
"""


def list_page(mails: Sequence[Mail]) -> str:
    """All mails, newest first; looks again by itself."""
    rows = "".join(
        f'<tr><td><a href="/messages/{mail.id}">{escape(mail.subject) or "(no subject)"}</a></td>'
        f"<td>{escape(', '.join(mail.recipients))}</td><td>{escape(mail.received_at)}</td></tr>"
        for mail in mails
    )
    body = (
        f"<table><tr><th>Subject</th><th>To</th><th>Received</th></tr>{rows}</table>"
        if mails
        else "<p>No mail yet. What the shop sends appears here; nothing leaves this machine.</p>"
    )
    return _page("Mail", f"<h1>Mail</h1>{body}", refresh=True)


def mail_page(mail: Mail) -> str:
    """One mail: envelope, HTML part in a sandbox, text part, attachments, headers."""
    parts = [
        '<p><a href="/">← all mail</a></p>',
        f"<h1>{escape(mail.subject) or '(no subject)'}</h1>",
        f"<p>From {escape(mail.sender)} to {escape(', '.join(mail.recipients))}, "
        f"{escape(mail.received_at)} · <a href='/messages/{mail.id}/raw'>as it was sent</a></p>",
    ]
    if mail.html:
        parts.append(
            f'<h2>HTML</h2><iframe sandbox referrerpolicy="no-referrer" title="HTML part" '
            f'src="/messages/{mail.id}/html"></iframe>'
        )
    if mail.text:
        parts.append(f"<h2>Text</h2><pre>{escape(mail.text)}</pre>")
    attached = [_attachment(part) for part in mail.message.iter_attachments()]
    if attached:
        parts.append(f"<h2>Attachments</h2><ul>{''.join(attached)}</ul>")
    headers = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in mail.headers
    )
    parts.append(f"<h2>Headers</h2><table>{headers}</table>")
    return _page(mail.subject or "(no subject)", "".join(parts))


def _attachment(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    size = len(payload) if isinstance(payload, bytes) else 0
    return f"<li>{escape(part.get_filename() or part.get_content_type())}, {size} bytes</li>"


def _page(title: str, body: str, *, refresh: bool = False) -> str:
    again = '<meta http-equiv="refresh" content="5">' if refresh else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
