-- One order in one transaction: six statements, the stock last, so that a hot row is held shortest.
\set sku random(1, :skus)
BEGIN;
INSERT INTO orders (email, total, currency, address) VALUES ('ada@example.com', 4690, 'EUR', '{"name": "Ada Lovelace", "line1": "Unter den Linden 1", "city": "Berlin", "postal_code": "10117", "country": "DE"}') RETURNING id AS order_id \gset
INSERT INTO order_items (order_id, line, sku_id, qty, price) VALUES (:order_id, 1, :sku, 1, 4200);
INSERT INTO payments (order_id, amount, status) VALUES (:order_id, 4690, 'authorized');
INSERT INTO outbox (type, body) VALUES ('order.confirmed', '{"order_id": 1}');
UPDATE inventory SET available = available - 1, reserved = reserved + 1 WHERE sku_id = :sku AND available >= 1;
COMMIT;
