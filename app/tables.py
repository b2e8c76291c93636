"""Every table of the shop in one metadata: importing this is how migrations and tests see them
all."""

from app.accounts import models as accounts
from app.cart import models as cart
from app.catalog import models as catalog
from app.checkout import models as checkout
from app.documents import models as documents
from app.events import models as events
from app.inventory import models as inventory
from app.notifications import models as notifications
from app.orders import models as orders
from app.payments import models as payments
from app.platform import idempotency
from app.platform.db import Base
from app.pricing import models as pricing
from app.reviews import models as reviews
from app.saga import models as saga
from app.shipping import models as shipping

DOMAINS = (
    accounts, cart, catalog, checkout, documents, events, inventory, notifications, orders,
    payments, idempotency, pricing, reviews, saga, shipping,
)  # fmt: skip

metadata = Base.metadata
