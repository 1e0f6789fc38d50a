-- The database of compose.yaml, with a login that may read and nothing else.
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, tier text NOT NULL);
CREATE TABLE orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers,
    total numeric(10, 2) NOT NULL,
    ordered_on date NOT NULL
);
INSERT INTO customers VALUES (1, 'Ann', 'gold'), (2, 'Ben', 'silver'), (3, 'Cleo', 'gold');
INSERT INTO orders VALUES
    (1, 1, 12.50, '2026-05-01'), (2, 2, 99.00, '2026-05-02'), (3, 3, 40.00, '2026-05-03');
CREATE ROLE t2s_reader LOGIN PASSWORD 'only-for-trying';
GRANT SELECT ON customers, orders TO t2s_reader;
