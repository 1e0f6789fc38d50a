CREATE TABLE "2021 responses" (
  "#" INTEGER PRIMARY KEY, "Timestamp" DATETIME, "Q1. How old are you?" INTEGER, "Q2: gender (f/m/x)" TEXT, "Q3 [country]" TEXT,
  "Q4 - city, state" TEXT, "Q5. Years coding?" INTEGER, "Q5a. of which paid" INTEGER, "Pay (€/yr)" REAL, "Pay ($/yr)" REAL,
  "100% remote?" TEXT, "Hours/week" REAL, "Main language" TEXT, "other languages; comma separated" TEXT, "it's ok" TEXT,
  "say ""hi""" TEXT, "Q9. IDE/editor" TEXT, "Q10 * required" TEXT, "Q11 = yes" INTEGER, "Q12 <= 3" INTEGER, "Q13 & Q14" TEXT,
  "Q15 | multi" TEXT, "Q16\path" TEXT, "Q17 @home" TEXT, "Q18 {json}" TEXT, "Q19 ~approx" REAL, "Q20 ^2" REAL, "select" TEXT,
  "Group By" TEXT, "Employer Size" TEXT, "NULL" TEXT, "Satisfaction (1-10)" INTEGER, "consent?" INTEGER
);
CREATE TABLE "country.codes" ("iso-2" TEXT PRIMARY KEY, "Country" TEXT, "GDP (bn. $)" REAL, "Pop. (m)" REAL, "EU?" INTEGER);
CREATE TABLE [wave/2] ("ref #" INTEGER REFERENCES "2021 responses" ("#"), "Pay (€/yr)" REAL, "still there?" INTEGER, "asked on" DATE);
INSERT INTO "2021 responses" ("#", "Timestamp", "Q1. How old are you?", "Q2: gender (f/m/x)", "Q3 [country]", "Q4 - city, state", "Q5. Years coding?", "Q5a. of which paid", "Pay (€/yr)", "Pay ($/yr)", "100% remote?", "Hours/week", "Main language", "other languages; comma separated", "it's ok", "say ""hi""", "Q9. IDE/editor", "Q11 = yes", "Q12 <= 3", "Q18 {json}", "Q19 ~approx", "select", "Group By", "Employer Size", "Satisfaction (1-10)", "consent?") VALUES
 (1, '2021-05-01 09:00:00', 31, 'f', 'DE', 'Berlin, BE', 10, 7, 72000, 86400, 'yes', 38.5, 'Python', 'C, SQL', 'y', 'hi', 'vim/neovim', 1, 2, '{"a": [1, 2], "os": "linux"}', 0.5, 's', 'g1', '10-99', 8, 1),
 (2, '2021-05-02 18:45:10', 45, 'm', 'FR', 'Lyon', 25, 22, 58000, NULL, 'no', 40, 'Java', NULL, 'n', NULL, 'IntelliJ', 0, 3, '{"a": [], "os": "win"}', 1.5, NULL, 'g2', '1000+', 6, 1),
 (3, '2021-06-11 07:30:00', 23, 'x', 'US', 'Austin, TX', 3, 1, NULL, 95000, 'yes', 45, 'Python', 'SQL', NULL, NULL, 'VS Code', 1, 1, NULL, NULL, NULL, 'g1', '10-99', 9, 0);
INSERT INTO "country.codes" VALUES ('DE', 'Germany', 4220, 83.2, 1), ('FR', 'France', 2940, 67.5, 1), ('US', 'United States', 23000, 331.9, 0);
INSERT INTO [wave/2] VALUES (1, 75000, 1, '2022-05-01'), (3, 61000, 0, '2022-05-09');
