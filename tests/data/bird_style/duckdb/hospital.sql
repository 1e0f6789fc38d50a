CREATE TABLE patients ("Patient ID" INTEGER PRIMARY KEY, "Name" VARCHAR, sex VARCHAR, born DATE, blood_type VARCHAR, "Next-of-kin" VARCHAR, allergies VARCHAR[]);
CREATE TABLE wards (ward VARCHAR PRIMARY KEY, beds INTEGER, floor INTEGER, head VARCHAR);
CREATE TABLE stays (
  stay_id INTEGER PRIMARY KEY, "Patient ID" INTEGER REFERENCES patients ("Patient ID"), ward VARCHAR REFERENCES wards (ward), admitted TIMESTAMP,
  discharged TIMESTAMP, "Reason (ICD-10)" VARCHAR, cost DECIMAL(10,2), "Insured %" DOUBLE, emergency BOOLEAN
);
CREATE TABLE "vital signs" (stay_id INTEGER REFERENCES stays (stay_id), measured TIMESTAMP, "HR/min" INTEGER, "SpO2 [%]" INTEGER, "T (°C)" DOUBLE, "BP sys" INTEGER, "BP dia" INTEGER, note VARCHAR);
INSERT INTO wards VALUES ('ICU', 8, 2, 'Dr. Abe'), ('Surgery', 30, 3, 'Dr. Ito'), ('Maternity', 20, 1, NULL);
INSERT INTO patients VALUES (1, 'Ann', 'f', '1950-02-03', 'A+', NULL, ['penicillin']), (2, 'Bob', 'm', '1988-12-24', 'O-', 'Eve', []), (3, 'Cleo', 'f', '2001-07-07', NULL, NULL, NULL);
INSERT INTO stays VALUES (1, 1, 'ICU', '2022-01-01 10:00:00', '2022-01-05 12:00:00', 'I21.9', 12000.50, 80, true), (2, 1, 'Surgery', '2022-03-01 07:00:00', '2022-03-03 09:00:00', 'K35', 5400.00, 80, false), (3, 2, 'Surgery', '2022-03-02 07:00:00', NULL, 'S72.0', NULL, 100, true);
INSERT INTO "vital signs" VALUES (1, '2022-01-01 10:05:00', 110, 91, 38.4, 150, 95, 'O2 given'), (1, '2022-01-01 11:05:00', 98, 95, 38.0, 140, 90, NULL), (3, '2022-03-02 07:30:00', 80, 99, 36.8, 120, 80, NULL);
