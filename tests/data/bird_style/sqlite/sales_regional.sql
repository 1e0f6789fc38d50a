CREATE TABLE Customers (CustomerID INTEGER PRIMARY KEY, "Customer Names" TEXT);
CREATE TABLE Products (ProductID INTEGER PRIMARY KEY, "Product Name" TEXT);
CREATE TABLE Regions (StateCode TEXT PRIMARY KEY, State TEXT, Region TEXT);
CREATE TABLE "Sales Team" (SalesTeamID INTEGER PRIMARY KEY, "Sales Team" TEXT, Region TEXT);
CREATE TABLE "Store Locations" (
  StoreID INTEGER PRIMARY KEY, "City Name" TEXT, County TEXT, StateCode TEXT REFERENCES Regions (StateCode), State TEXT,
  Type TEXT, Latitude REAL, Longitude REAL, AreaCode INTEGER, Population INTEGER, "Household Income" INTEGER,
  "Median Income" INTEGER, "Land Area" INTEGER, "Water Area" INTEGER, "Time Zone" TEXT
);
CREATE TABLE "Sales Orders" (
  OrderNumber TEXT PRIMARY KEY, "Sales Channel" TEXT, WarehouseCode TEXT, ProcuredDate TEXT, OrderDate TEXT, ShipDate TEXT,
  DeliveryDate TEXT, CurrencyCode TEXT, _SalesTeamID INTEGER REFERENCES "Sales Team" (SalesTeamID),
  _CustomerID INTEGER REFERENCES Customers (CustomerID), _StoreID INTEGER REFERENCES "Store Locations" (StoreID),
  _ProductID INTEGER REFERENCES Products (ProductID), "Order Quantity" INTEGER, "Discount Applied" REAL,
  "Unit Price" TEXT, "Unit Cost" TEXT, "Ship Mode / Carrier" TEXT, "Promo.Code" TEXT, "Gift?" INTEGER,
  "Tax (%)" REAL, "Freight $" REAL, "Return Reason" TEXT, "Returned On" TEXT, "Sales Rep's Note" TEXT,
  "Delivery Window (from-to)" TEXT, "Backorder Qty." INTEGER, "1st Contact" TEXT, "2nd Contact" TEXT,
  "PO #" TEXT, "Invoice No" TEXT, "Invoice Paid" INTEGER, "Order" INTEGER, "Group" TEXT, "Key" TEXT
);
INSERT INTO Customers VALUES (1, 'Avon Corp'), (2, 'WakeFern'), (3, 'Elorac, Corp');
INSERT INTO Products VALUES (1, 'Cookware'), (2, 'Photo Frames'), (3, 'Table Lamps');
INSERT INTO Regions VALUES ('AL', 'Alabama', 'South'), ('CA', 'California', 'West'), ('NY', 'New York', 'Northeast');
INSERT INTO "Sales Team" VALUES (1, 'Adam Hernandez', 'Northeast'), (2, 'Keith Griffin', 'Northeast'), (3, 'Jerry Green', 'West');
INSERT INTO "Store Locations" VALUES (1, 'Birmingham', 'Jefferson County', 'AL', 'Alabama', 'City', 33.5, -86.8, 205, 212461, 89972, 31061, 378353942, 6591013, 'America/Chicago'), (2, 'Berkeley', 'Alameda County', 'CA', 'California', 'City', 37.9, -122.3, 510, 120972, 45238, 65283, 27143049, 18700000, 'America/Los Angeles');
INSERT INTO "Sales Orders" (OrderNumber, "Sales Channel", WarehouseCode, ProcuredDate, OrderDate, ShipDate, DeliveryDate, CurrencyCode, _SalesTeamID, _CustomerID, _StoreID, _ProductID, "Order Quantity", "Discount Applied", "Unit Price", "Unit Cost", "Ship Mode / Carrier", "Promo.Code", "Gift?", "Tax (%)", "Freight $", "Invoice Paid", "Order", "Group") VALUES
 ('SO - 000101', 'In-Store', 'WARE-UHY1004', '12/31/17', '5/31/18', '6/14/18', '6/19/18', 'USD', 1, 1, 1, 1, 5, 0.075, '1,963.10', '1,001.18', 'Ground / UPS', 'SPRING', 0, 8.5, 12.4, 1, 1, 'A'),
 ('SO - 000102', 'Online', 'WARE-NMK1003', '12/31/17', '5/31/18', '6/22/18', '7/2/18', 'USD', 3, 2, 2, 2, 3, 0.075, '3,939.60', '3,348.66', 'Air / DHL', NULL, 1, 9.25, 30, 0, 2, 'B'),
 ('SO - 000103', 'Online', 'WARE-UHY1004', '4/10/18', '12/1/20', '12/12/20', '12/30/20', 'USD', 3, 1, 2, 1, 8, 0.05, '1,775.50', '781.22', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
