CREATE TABLE schools (
  code TEXT PRIMARY KEY, "Name" TEXT NOT NULL, "Street" TEXT, "City" TEXT, "Zip" TEXT, "County" TEXT,
  "District" TEXT, "Opened" DATE, "Closed" DATE, "Status" TEXT, "Website" TEXT, "Lat." REAL, "Long." REAL,
  "Phone no." TEXT, "Virtual?" TEXT, "Magnet?" INTEGER, "Charter no." TEXT, "Principal/Head" TEXT,
  "E-mail (1)" TEXT, "E-mail (2)" TEXT, "Grade Span (offered)" TEXT, "Grade Span (served)" TEXT,
  "DOC" TEXT, "SOCType" TEXT, "LastUpdate" DATETIME
);
CREATE TABLE meals (
  "School Code" TEXT REFERENCES schools (code), "Academic Year" TEXT, "County Code" TEXT,
  "County Name" TEXT, "District Name" TEXT, "District Type" TEXT, "School Name" TEXT, "School Type" TEXT,
  "Educational Option Type" TEXT, "Charter School (Y/N)" INTEGER, "Charter Funding Type" TEXT,
  "IRC" INTEGER, "Low Grade" TEXT, "High Grade" TEXT, "Enrollment (K-12)" REAL,
  "Free Meal Count (K-12)" REAL, "Percent (%) Eligible Free (K-12)" REAL, "FRPM Count (K-12)" REAL,
  "Percent (%) Eligible FRPM (K-12)" REAL, "Enrollment (Ages 5-17)" REAL,
  "Free Meal Count (Ages 5-17)" REAL, "Percent (%) Eligible Free (Ages 5-17)" REAL,
  "FRPM Count (Ages 5-17)" REAL, "Percent (%) Eligible FRPM (Ages 5-17)" REAL,
  "2021-22 Certified?" INTEGER, "Provision 2/3 Status" TEXT, "Meals/Day" REAL, "Price [EUR]" REAL,
  "Caterer" TEXT, "Kitchen: on-site" INTEGER, "Inspected on" DATE, "Score, last" INTEGER
);
CREATE TABLE "exam scores" (
  school TEXT PRIMARY KEY REFERENCES schools (code), "# enrolled" INTEGER, "# tested" INTEGER,
  "Avg. Reading" INTEGER, "Avg. Math" INTEGER, "Avg. Writing" INTEGER, "Total >= 1500" INTEGER,
  "% >= 1500" REAL, "County/District" TEXT
);
INSERT INTO schools (code, "Name", "City", "Zip", "County", "District", "Opened", "Closed", "Status", "Website", "Lat.", "Long.", "Phone no.", "Virtual?", "Magnet?", "Charter no.", "Principal/Head", "E-mail (1)", "Grade Span (offered)", "Grade Span (served)", "DOC", "SOCType", "LastUpdate") VALUES
 ('001', 'Elm Street High', 'Fresno', '93701', 'Fresno', 'Fresno Unified', '1981-09-01', NULL, 'Active', 'www.elm.example', 36.7, -119.8, '(559) 555-0101', 'N', 1, NULL, 'Ann Lee', 'alee@elm.example', '9-12', '9-12', '54', 'High Schools (Public)', '2015-06-23 10:00:00'),
 ('002', 'Bay Charter', 'Alameda', '94501', 'Alameda', 'Alameda Unified', '2005-08-15', '2014-06-30', 'Closed', NULL, 37.8, -122.2, NULL, 'F', 0, '0728', 'Bo O''Neil', 'bo@bay.example', 'K-8', 'K-5', '52', 'Elementary Schools (Public)', '2014-07-01 08:30:00'),
 ('003', 'Sierra Online', 'Bishop', '93514', 'Inyo', 'Inyo COE', '2012-07-01', NULL, 'Active', 'sierra.example', 37.4, -118.4, '(760) 555-0199', 'P', 0, '1432', 'Cy Ng', NULL, 'K-12', 'K-12', '00', 'K-12 Schools (Public)', NULL);
INSERT INTO meals VALUES
 ('001', '2014-2015', '10', 'Fresno', 'Fresno Unified', 'Unified School District', 'Elm Street High', 'High Schools (Public)', 'Traditional', 0, NULL, 0, '9', '12', 1200, 840, 0.7, 900, 0.75, 1150, 800, 0.6957, 860, 0.7478, 1, 'Provision 2', 900, 3.2, 'Sodexo', 1, '2014-11-03', 92),
 ('002', '2014-2015', '01', 'Alameda', 'Alameda Unified', 'Unified School District', 'Bay Charter', 'Elementary Schools (Public)', 'Traditional', 1, 'Directly funded', 0, 'K', '8', 310, 40, 0.129, 55, 0.1774, 300, 38, 0.1267, 52, 0.1733, 0, NULL, 120, 4.5, 'Green Fork', 0, '2015-02-17', 78),
 ('003', '2014-2015', '14', 'Inyo', 'Inyo COE', 'County Office of Education (COE)', 'Sierra Online', 'K-12 Schools (Public)', 'Alternative School of Choice', 1, 'Locally funded', 1, 'K', '12', 95, 50, 0.5263, 60, 0.6316, 0, 0, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, 0, NULL, NULL);
INSERT INTO "exam scores" VALUES ('001', 290, 210, 480, 495, 470, 60, 28.57, 'Fresno/Fresno Unified'), ('003', 20, 4, NULL, NULL, NULL, NULL, NULL, 'Inyo/Inyo COE');
