-- The least an order needs, in a database of its own.
CREATE TABLE inventory (
    sku_id bigint PRIMARY KEY,
    available bigint NOT NULL CHECK (available >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0)
);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    total bigint NOT NULL,
    currency text NOT NULL,
    address jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders,
    line bigint NOT NULL,
    sku_id bigint NOT NULL REFERENCES inventory,
    qty bigint NOT NULL,
    price bigint NOT NULL,
    PRIMARY KEY (order_id, line)
);
CREATE TABLE payments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders,
    amount bigint NOT NULL,
    status text NOT NULL
);
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type text NOT NULL,
    body jsonb NOT NULL
);
INSERT INTO inventory SELECT number, 1000000000, 0 FROM generate_series(1, 5000) number;
