"""Pages for people: what was paid lately, and the 3-D Secure question."""

from datetime import UTC, datetime
from html import escape
from urllib.parse import quote, urlencode

from devstack.stripe.money import written
from devstack.stripe.store import Document

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
)
IN_ADDRESSES = "%/:=&?~#+!$,;'@()*[]"  # everything else is written as %XX in a header
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
       color: #1a1f36; background: #f6f8fa; }
table { border-collapse: collapse; width: 100%; background: #fff; }
th, td { text-align: left; padding: .45rem .7rem; border-bottom: 1px solid #e3e8ee; }
th { font-size: 12px; text-transform: uppercase; letter-spacing: .04em; color: #697386; }
td.money { text-align: right; font-variant-numeric: tabular-nums; }
code { font-size: 13px; }
.succeeded { color: #0e6245; } .requires_capture { color: #6d28d9; } .canceled { color: #697386; }
.requires_action, .processing { color: #983705; } .requires_payment_method { color: #b3093c; }
button { font: inherit; padding: .5rem 1.2rem; margin-right: .6rem; border-radius: 6px;
         border: 1px solid #697386; background: #fff; cursor: pointer; }
button.approve { background: #0e6245; border-color: #0e6245; color: #fff; }
"""


def recent(intents: list[Document], state: Document) -> str:
    """The newest payment intents as a table."""
    rows = "".join(_row(intent) for intent in intents)
    counted = " · ".join(
        f"{escape(str(status))} {count}" for status, count in state["payment_intents"].items()
    )
    table = (
        "<table><thead><tr><th>created</th><th>payment intent</th><th>status</th><th>amount</th>"
        f"<th>received</th><th>about</th></tr></thead><tbody>{rows}</tbody></table>"
        if rows
        else "<p>No payments yet.</p>"
    )
    return _page("Payments", f"<h1>Payments</h1><p>{counted}</p>{table}")


def question(intent: Document) -> str:
    """The page a shopper's bank would show: approve the payment, or fail it."""
    money = escape(written(intent["amount"], intent["currency"]))
    identity = escape(intent["id"])
    if intent["status"] != "requires_action":
        status = escape(intent["status"])
        return _page("3-D Secure", f"<h1>Nothing to approve</h1><p>{identity} is {status}.</p>")
    return _page(
        "3-D Secure",
        f"<h1>Approve {money}?</h1><p>Payment <code>{identity}</code> asks its card's holder.</p>"
        f'<form method="post" action="/3ds/{identity}/approve" style="display:inline">'
        '<button class="approve">Approve</button></form>'
        f'<form method="post" action="/3ds/{identity}/fail" style="display:inline">'
        "<button>Fail</button></form>",
    )


def not_found() -> str:
    """A page for an address that leads nowhere."""
    return _page("Not found", "<h1>Not found</h1><p>There is nothing here.</p>")


def way_back(intent: Document) -> str | None:
    """Where the shopper goes after the question, with what Stripe adds to the address."""
    address: str | None = intent["_return_url"]
    if not address:
        return None
    facts = {
        "payment_intent": intent["id"],
        "payment_intent_client_secret": intent["client_secret"],
    }
    start, _, fragment = address.partition("#")
    joint = "&" if "?" in start else "?"
    whole = f"{start}{joint}{urlencode(facts)}" + (f"#{fragment}" if fragment else "")
    return quote(whole, safe=IN_ADDRESSES)


def _row(intent: Document) -> str:
    when = datetime.fromtimestamp(intent["created"], UTC).strftime("%Y-%m-%d %H:%M:%S")
    error = (intent["last_payment_error"] or {}).get("message")
    about = (
        error
        or intent["description"]
        or ", ".join(f"{key}={value}" for key, value in intent["metadata"].items())
    )
    return (
        f"<tr><td>{when}</td><td><code>{escape(intent['id'])}</code></td>"
        f'<td class="{escape(intent["status"])}">{escape(intent["status"])}</td>'
        f'<td class="money">{escape(written(intent["amount"], intent["currency"]))}</td>'
        f'<td class="money">{escape(written(intent["amount_received"], intent["currency"]))}</td>'
        f"<td>{escape(about[:200])}</td></tr>"
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>"
    )
