CREATE TABLE "order" (
  id INTEGER PRIMARY KEY,
  "group" VARCHAR(20) NOT NULL,
  "Total Amount" DECIMAL(10,2),
  "say ""hi""" TEXT
);
CREATE TABLE "Mixed Case" (
  "CustId" INTEGER,
  "select" TEXT,
  region VARCHAR(3) NOT NULL,
  PRIMARY KEY (region, "CustId")
);
CREATE TABLE 客户 (
  编号 INTEGER PRIMARY KEY,
  "客户 名称" TEXT,
  "it's" TEXT
);
CREATE TABLE "order_line" (
  order_id INTEGER,
  "CustId" INTEGER,
  region VARCHAR(3),
  客户编号 INTEGER,
  "-- note" TEXT,
  FOREIGN KEY (order_id) REFERENCES "order" (id),
  FOREIGN KEY (region, "CustId") REFERENCES "Mixed Case" (region, "CustId"),
  FOREIGN KEY (客户编号) REFERENCES 客户 (编号)
);
CREATE VIEW "big orders" AS SELECT id, "Total Amount" AS amount FROM "order" WHERE "Total Amount" > 100;
INSERT INTO "order" VALUES (1, 'a', 120.50, 'x'), (2, 'b', 3, NULL);
INSERT INTO "Mixed Case" VALUES (7, 's', 'EU');
INSERT INTO 客户 VALUES (1, '北京分店', 'q');
INSERT INTO "order_line" VALUES (1, 7, 'EU', 1, 'n'), (2, NULL, NULL, NULL, NULL);
