CREATE SCHEMA staging;
CREATE TABLE customers (
  customer_id INTEGER PRIMARY KEY, full_name VARCHAR NOT NULL, "e-mail" VARCHAR, country VARCHAR, city VARCHAR, segment VARCHAR,
  signed_up DATE, "VIP?" BOOLEAN, tags VARCHAR[], address STRUCT(street VARCHAR, zip VARCHAR), "Credit Limit (€)" DECIMAL(12,2), "Birth Year" SMALLINT
);
CREATE TABLE "Order Lines" (
  order_id BIGINT, "line #" INTEGER, sku VARCHAR, "Qty." INTEGER, "Unit Price" DECIMAL(10,2), "Discount %" DOUBLE, returned BOOLEAN,
  PRIMARY KEY (order_id, "line #")
);
CREATE TABLE orders (
  order_id BIGINT PRIMARY KEY, customer_id INTEGER REFERENCES customers (customer_id), ordered_at TIMESTAMP, shipped_at TIMESTAMP,
  delivered_at TIMESTAMP, status VARCHAR, channel VARCHAR, "order" INTEGER, "group" VARCHAR, warehouse_code VARCHAR, carrier VARCHAR,
  currency VARCHAR, freight DECIMAL(8,2), tax_rate DOUBLE, coupon VARCHAR, gift BOOLEAN, notes VARCHAR, "2nd attempt" BOOLEAN,
  payment_method VARCHAR, paid_on DATE, refund DECIMAL(10,2), priority INTEGER, "Promo.Code" VARCHAR, "utm/source" VARCHAR,
  "utm/medium" VARCHAR, "utm/campaign" VARCHAR, device VARCHAR, browser VARCHAR, session_minutes DOUBLE, clicks INTEGER, "NPS (0-10)" INTEGER
);
CREATE TABLE products (sku VARCHAR PRIMARY KEY, title VARCHAR, category VARCHAR, brand VARCHAR, weight_g INTEGER, launched DATE, "Größe" VARCHAR, "List Price" DECIMAL(10,2), attributes JSON);
CREATE TABLE staging.events (event_id INTEGER, order_id BIGINT, kind VARCHAR, "at" TIMESTAMP, payload JSON);
CREATE TABLE staging."raw-stock" (sku VARCHAR, warehouse VARCHAR, "on hand" INTEGER, "re-order level" INTEGER, counted_on DATE);
INSERT INTO customers VALUES (1, 'Ann Lee', 'ann@example.org', 'DE', 'Berlin', 'retail', '2021-03-01', true, ['loyal', 'beta'], {'street': 'Main 1', 'zip': '10115'}, 500.00, 1985), (2, 'Bo Ng', NULL, 'FR', 'Lyon', 'b2b', '2022-07-15', false, [], {'street': 'Rue 2', 'zip': '69001'}, NULL, 1990), (3, 'Cy Day', 'cy@shop.example', 'DE', 'Hamburg', 'retail', '2023-01-20', NULL, NULL, NULL, 250.50, NULL);
INSERT INTO products VALUES ('A-1', 'Lamp', 'home', 'Lux', 1200, '2020-01-01', 'M', 49.90, '{"color": "red", "sizes": [1, 2]}'), ('B-2', 'Desk', 'office', 'Wood & Co', 22000, '2021-05-05', 'XL', 300.00, '{"color": "oak"}'), ('C-3', 'Mug', 'home', NULL, 350, NULL, NULL, 9.50, NULL);
INSERT INTO orders (order_id, customer_id, ordered_at, shipped_at, delivered_at, status, channel, "order", "group", warehouse_code, carrier, currency, freight, tax_rate, gift, payment_method, paid_on, refund, priority, "utm/source", device, session_minutes, clicks, "NPS (0-10)") VALUES (100, 1, '2023-01-05 10:00:00', '2023-01-06 09:00:00', '2023-01-09 15:30:00', 'delivered', 'web', 1, 'a', 'BER', 'DHL', 'EUR', 4.90, 0.19, false, 'card', '2023-01-05', NULL, 1, 'ads', 'mobile', 12.5, 31, 9), (101, 1, '2023-02-11 20:15:00', NULL, NULL, 'cancelled', 'app', 2, 'a', 'BER', NULL, 'EUR', 0, 0.19, true, 'paypal', NULL, 15.00, 2, NULL, 'mobile', 3.1, 7, NULL), (102, 2, '2023-02-28 08:00:00', '2023-03-02 12:00:00', '2023-03-08 10:00:00', 'delivered', 'web', 1, 'b', 'LYS', 'UPS', 'EUR', 19.00, 0.2, false, 'invoice', '2023-03-30', NULL, 1, 'seo', 'desktop', 45.0, 80, 6);
INSERT INTO "Order Lines" VALUES (100, 1, 'A-1', 2, 49.90, 0, false), (100, 2, 'C-3', 6, 9.50, 10, false), (101, 1, 'A-1', 1, 45.00, 5, true), (102, 1, 'B-2', 4, 280.00, 12.5, false);
INSERT INTO staging.events VALUES (1, 100, 'created', '2023-01-05 10:00:00', '{"by": "web", "ms": 120}'), (2, 100, 'paid', '2023-01-05 10:01:00', NULL), (3, 102, 'created', '2023-02-28 08:00:00', '{"by": "api", "ms": 80}');
INSERT INTO staging."raw-stock" VALUES ('A-1', 'BER', 14, 5, '2023-03-01'), ('B-2', 'LYS', 1, 3, '2023-03-01'), ('C-3', 'BER', 0, 50, '2023-02-15');
